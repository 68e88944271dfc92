import { defineCommand, noWords } from '../../call/command.ts';
import { secondsOption, withFleet } from './connect.ts';

export const agents = defineCommand({
  name: 'agents',
  summary: 'listen for heartbeats and show which machines are online',
  usage: '',
  waits: true,
  options: {
    listen: { kind: 'count', value: 'SECONDS', help: 'how long to listen (default: 35; agents speak every 30 s)' },
  },
  examples: ['kanade fleet agents', 'kanade fleet agents --listen 5'],
  async run(options, words, context) {
    noWords(words);
    const asked = secondsOption('listen', options.listen);
    const { io, onWaiting } = context;
    return withFleet(context, async ({ fleet, agentsOnline, listenMsDefault }) => {
      const listenMs = asked ?? listenMsDefault;
      let heard = 0;
      io.stderr(`listening for ${listenMs / 1000} s\n`);
      onWaiting?.({ what: `heartbeats, ${listenMs / 1000} s`, how: () => `${heard} machines` });
      const online = await agentsOnline(fleet, {
        listenMs,
        onAgent: ({ pc_id, agent_version }) => {
          heard++;
          io.stderr(`${pc_id}, agent ${agent_version}\n`);
        },
        signal: io.signal,
      });
      return { type: 'fleet.agents', listened_ms: listenMs, ...online };
    });
  },
});
