import { defineCommand, oneWord } from '../../../call/command.ts';
import { withFleet } from '../connect.ts';

export const scriptRemove = defineCommand({
  name: 'script remove',
  summary: 'take a stored script away; says which jobs then have none',
  usage: 'NAME/VERSION',
  options: {},
  examples: ['kanade fleet script remove disk-report/1.0.0'],
  async run(_options, words, context) {
    const script = oneWord(words, 'NAME/VERSION');
    return withFleet(context, async ({ fleet, removeScript, audit }) => {
      const { io } = context;
      const { sha256, jobs } = await removeScript(fleet, script, { signal: io.signal });
      const [about] = script.split('/');
      const noted = await audit({ action: 'script.remove', about, details: { script, sha256, jobs } });
      if (jobs.length > 0) io.stderr(`note: it was the script of ${jobs.join(', ')}, which cannot be ordered now\n`);
      return { type: 'fleet.script.remove', script, sha256, jobs, ...noted };
    });
  },
});
