import { agentsOnline, listenMsDefault } from '@kanade/fleet';
import { defineFleetCommand } from '../../fleet/command.ts';
import { noWords, secondsOption } from './words.ts';

export const agents = defineFleetCommand({
  name: 'agents',
  summary: 'listen for heartbeats and show which machines are online',
  usage: '',
  options: {
    listen: { kind: 'count', value: 'SECONDS', help: 'how long to listen (default: 35; agents speak every 30 s)' },
  },
  examples: ['kanade fleet agents', 'kanade fleet agents --listen 5'],
  plan(options, words) {
    noWords(words);
    const listenMs = secondsOption('listen', options.listen) ?? listenMsDefault;
    return ({ io, withFleet }) =>
      withFleet(async (fleet) => {
        io.stderr(`listening for ${listenMs / 1000} s\n`);
        const online = await agentsOnline(fleet, {
          listenMs,
          onAgent: ({ pc_id, agent_version }) => io.stderr(`${pc_id}, agent ${agent_version}\n`),
          signal: io.signal,
        });
        return { type: 'fleet.agents', listened_ms: listenMs, ...online };
      });
  },
});
