import { defineCommand, oneWord } from '../../call/command.ts';
import { withFleet } from './connect.ts';

export const kill = defineCommand({
  name: 'kill',
  summary: 'stop the runs of an order on every machine that is online, with their children',
  usage: 'EXEC_ID',
  options: {},
  examples: ['kanade fleet kill 6f0f1a52-6c2e-4d36-9b8b-0f5c3a1d9e77'],
  async run(_options, words, context) {
    const execId = oneWord(words, 'EXEC_ID');
    return withFleet(context, async (connected) => {
      await connected.sendKill(connected.fleet, execId, { signal: context.io.signal });
      return { type: 'fleet.kill', exec_id: execId };
    });
  },
});
