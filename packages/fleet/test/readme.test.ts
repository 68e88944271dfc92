import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { natsServers } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { openTestFleet } from './open-test-fleet.ts';

const home = fileURLToPath(new URL('..', import.meta.url));

/** Runs the example of the README as a program that imports this package by its name. */
async function runExample(url: string): Promise<string> {
  const readme = await readFile(`${home}README.md`, 'utf8');
  const [, example] = /```ts\n([\s\S]*?)```/.exec(readme) ?? [];
  return new Promise((resolve, reject) => {
    const child = execFile(
      process.execPath,
      ['--conditions=@kanade/source', '--input-type=module-typescript', '-'],
      { cwd: home, env: { ...process.env, KANADE_NATS_URL: url } },
      (error, stdout) => (error ? reject(error) : resolve(stdout)),
    );
    child.stdin?.end(example);
  });
}

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
    expect(await runExample(opened.broker.url)).toBe('pc-042 ended with exit code 0: up 3 days\n');
  });
});
