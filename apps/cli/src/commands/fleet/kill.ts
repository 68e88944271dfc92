import { kill as killOrder } from '@kanade/fleet';
import { defineFleetCommand } from '../../fleet/command.ts';
import { oneWord } from './words.ts';

export const kill = defineFleetCommand({
  name: 'kill',
  summary: 'stop the runs of an order on every machine that is online, with their children',
  usage: 'EXEC_ID',
  options: {},
  examples: ['kanade fleet kill 6f0f1a52-6c2e-4d36-9b8b-0f5c3a1d9e77'],
  plan(_, words) {
    const execId = oneWord(words, 'EXEC_ID');
    return ({ io, withFleet }) =>
      withFleet(async (fleet) => {
        await killOrder(fleet, execId, { signal: io.signal });
        return { type: 'fleet.kill', exec_id: execId };
      });
  },
});
