import { defineCommand, noWords } from '../../../call/command.ts';
import { withFleet } from '../connect.ts';

export const scriptList = defineCommand({
  name: 'script list',
  summary: 'show the stored scripts, and which jobs run them',
  usage: '',
  options: {},
  examples: ['kanade fleet script list'],
  async run(_options, words, context) {
    noWords(words);
    return withFleet(context, async ({ fleet, listScripts }) => {
      const scripts = await listScripts(fleet, { signal: context.io.signal });
      return {
        type: 'fleet.script.list',
        scripts: scripts.map(({ key, name, version, size, sha256, storedAt, jobs }) => {
          return { script: key, name, version, size_bytes: size, sha256, stored_at: storedAt, jobs };
        }),
      };
    });
  },
});
