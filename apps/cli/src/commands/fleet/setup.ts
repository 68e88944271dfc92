import { createTopology, durability } from '@kanade/fleet/topology';
import { defineFleetCommand } from '../../fleet/command.ts';
import { noWords } from './words.ts';

export const setup = defineFleetCommand({
  name: 'setup',
  summary: 'create or update streams and buckets on the broker; safe to repeat',
  usage: '',
  options: {},
  examples: ['kanade fleet setup', 'kanade fleet --server nats://broker.example:4222 setup'],
  plan(_, words) {
    noWords(words);
    return ({ io, server, withFleet }) =>
      withFleet(async (fleet) => {
        const report = await createTopology(fleet.connection, { signal: io.signal });
        const { line } = await durability(fleet.connection, { signal: io.signal });
        io.stderr(`${line}\n`);
        return { type: 'fleet.setup', server, server_version: fleet.serverVersion, ...report, durability: line };
      });
  },
});
