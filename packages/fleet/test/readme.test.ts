import { fileURLToPath } from 'node:url';
import { natsServers, runReadmeExample } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { openTestFleet } from './open-test-fleet.ts';

const home = fileURLToPath(new URL('..', import.meta.url));

describe.each(await natsServers())('README on nats-server $version', ({ path }) => {
  it('its example orders a job and prints the result that comes', async () => {
    await using opened = await openTestFleet(path);
    const { connection, jetstream } = opened.fleet;
    connection.subscribe('commands.pc.pc-042.uptime', {
      callback: (_, message) => {
        const { request_id } = message.json<{ request_id: string }>();
        const at = new Date().toISOString();
        const result = { request_id, pc_id: 'pc-042', exit_code: 0, stdout: 'up 3 days', stderr: '' };
        void jetstream.publish(`results.${request_id}`, JSON.stringify({ ...result, started_at: at, finished_at: at }));
      },
    });
    await connection.flush();
    const { printed } = await runReadmeExample(home, { env: { KANADE_NATS_URL: opened.broker.url } });
    expect(printed).toBe('pc-042 ended with exit code 0: up 3 days\n');
  });
});
