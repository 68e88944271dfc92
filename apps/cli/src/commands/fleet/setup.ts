import { defineCommand, noWords } from '../../call/command.ts';
import { withFleet } from './connect.ts';

export const setup = defineCommand({
  name: 'setup',
  summary: 'create or update streams and buckets on the broker; safe to repeat',
  usage: '',
  options: {},
  examples: ['kanade fleet setup', 'kanade fleet --server nats://broker.example:4222 setup'],
  async run(_options, words, context) {
    noWords(words);
    const { io } = context;
    return withFleet(context, async ({ fleet, createTopology, durability, audit }) => {
      const report = await createTopology(fleet.connection, { signal: io.signal });
      const { line } = await durability(fleet.connection, { signal: io.signal });
      io.stderr(`${line}\n`);
      const server = fleet.connection.getServer();
      const { created, updated } = report;
      const noted = await audit({ action: 'setup', details: { created, updated } });
      return {
        type: 'fleet.setup',
        server,
        server_version: fleet.serverVersion,
        ...report,
        durability: line,
        ...noted,
      };
    });
  },
});
