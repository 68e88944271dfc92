/** Each library as somebody takes it who has nothing else of ours: from a registry, into an empty folder. */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { bunPath, natsServers, startNatsServer, tempDir } from '@kanade/testkit';
import { connect } from '@nats-io/transport-node';
import { afterAll, describe, expect, it } from 'vitest';
import { entriesOf, installAlone, libraries, publishLibraries } from '../libraries.mjs';
import { startRegistry } from '../registry.mjs';
import { root } from '../toolchain.mjs';

const run = promisify(execFile);
const home = await tempDir();
const registry = await startRegistry();
await publishLibraries(registry, home.path);
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
});

/** What the README promises of its example, by word: Bun lays objects out over lines. */
const wordsOf = (text: string) => text.match(/\w+/g);

describe.each(libraries)('$name', (library) => {
  it.each(['npm', 'bun'] as const)(
    'installed with %s: its example runs as its README says, its types hold',
    async (client) => {
      const folder = await installAlone(library, { client, bun: bunPath(), registry, home: home.path });
      await using broker = library.name === '@kanade/fleet' ? await brokerWithMachine() : undefined;
      const { stdout } = await run(client === 'npm' ? process.execPath : bunPath(), ['example.ts'], {
        cwd: folder,
        env: { PATH: process.env.PATH, HOME: home.path, NO_COLOR: '1', KANADE_NATS_URL: broker?.url ?? '' },
      });
      expect(wordsOf(stdout)).toEqual(wordsOf(broker?.promised ?? library.promised));
      const entries = entriesOf(library).map((entry, index) => `export * as entry${index} from '${entry}';\n`);
      writeFileSync(join(folder, 'entries.ts'), entries.join(''));
      // As those compile who run on Node, and as those who bundle.
      expect(await typesFaults(folder, client === 'npm' ? 'nodenext' : 'bundler')).toBe('');
    },
  );
});

/** What the compiler says about the example and every entry, declarations included; empty when all is well. */
async function typesFaults(folder: string, resolution: string): Promise<string> {
  const words = ['--strict', '--noEmit', '--target', 'es2024', '--moduleResolution', resolution, '--types', 'node'];
  // As our own: several would each work out for themselves what they have in common.
  words.push('--checkers', '1');
  const module = resolution === 'nodenext' ? 'nodenext' : 'esnext';
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  return run(process.execPath, [tsc, ...words, '--module', module, 'example.ts', 'entries.ts'], { cwd: folder }).then(
    () => '',
    (error) => error.stdout,
  );
}

/** A broker on which a machine answers the order of the example. */
async function brokerWithMachine() {
  const broker = await startNatsServer({ path: (await natsServers()).at(-1)?.path ?? 'nats-server' });
  const connection = await connect({ servers: broker.url });
  connection.subscribe('commands.pc.pc-042.uptime', {
    callback: (_, message) => {
      const { request_id } = message.json<{ request_id: string }>();
      const at = new Date().toISOString();
      const result = { request_id, pc_id: 'pc-042', exit_code: 0, stdout: 'up 3 days', stderr: '' };
      connection.publish(`results.${request_id}`, JSON.stringify({ ...result, started_at: at, finished_at: at }));
    },
  });
  await connection.flush();
  return {
    url: broker.url,
    promised: 'pc-042 ended with exit code 0: up 3 days',
    async [Symbol.asyncDispose]() {
      await connection.close();
      await broker[Symbol.asyncDispose]();
    },
  };
}
