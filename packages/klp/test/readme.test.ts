import { exec } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { runReadmeExample, runtimeWords } from '@kanade/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import {
  cancelMethod,
  clientLimits,
  defineContract,
  droppedMethod,
  serveConnection,
  serverLimits,
  userLimits,
} from '../src/index.ts';
import { listenLocal, socketLimits } from '../src/socket.ts';
import { errors } from './errors.ts';
import { temporaryDirectory } from './serving.ts';

const root = join(import.meta.dirname, '..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
// The formatter pads the cells of tables.
const protocol = readFileSync(join(root, 'PROTOCOL.md'), 'utf8').replace(/ +/g, ' ');

describe('README.md', () => {
  it.each(['node', 'bun'] as const)('has an example that prints what it says, on %s', async (runtime) => {
    const { printed, promised } = await runReadmeExample(root, { runtime });
    expect(printed).toBe(promised);
  });

  it.each(Object.keys({ ...serverLimits, ...clientLimits, ...userLimits, ...socketLimits }))(
    'names the limit %s',
    (limit) => {
      expect(readme).toContain(`\`${limit}\``);
    },
  );
});

describe('klp-tap', () => {
  it('prints what README.md says of the example', async () => {
    const [, command = '', promised = ''] = /```sh\n(klp-tap .*)\n```\n\n```json\n([\s\S]*?)```/.exec(readme) ?? [];
    const path = join(temporaryDirectory(), 'backup.sock');
    await serveBackups(path);
    const bin = `'${runtimeWords('node').join("' '")}' '${join(root, 'src/bin.ts')}'`;
    const { stdout } = await promisify(exec)(command.replace('klp-tap', bin).replace('/tmp/backup.sock', path));
    expect(stdout.replace(/uid-\d+/, 'uid-1000')).toBe(promised);
  });
});

/** The server of the example. */
async function serveBackups(path: string): Promise<void> {
  const contract = defineContract({
    handshake: 'system.handshake',
    errors,
    methods: {
      'system.handshake': { params: z.object({ client: z.string() }), result: z.object({ user: z.string() }) },
      'backup.start': { params: z.object({ folder: z.string() }), result: z.object({ run: z.int() }) },
    },
    pushes: { 'backup.progress': z.object({ run: z.int(), percent: z.number() }) },
  });
  const listener = await listenLocal({
    path,
    contract,
    accept: () => ({ ok: true }),
    onConnection: (duplex, peer) => {
      serveConnection(duplex, {
        contract,
        peer,
        handlers: {
          'system.handshake': (_params, context) => ({ user: context.peer.userKey }),
          'backup.start': async (_params, { push }) => {
            await push('backup.progress', { run: 1, percent: 100 });
            return { run: 1 };
          },
        },
      });
    },
  });
  onTestFinished(() => listener.close());
}

describe('PROTOCOL.md', () => {
  it.each(Object.entries(errors))('has the row of %s', (kind, { code, message }) => {
    expect(protocol).toContain(`| ${kind} | ${code} | ${message} |`);
  });

  it.each([cancelMethod, droppedMethod])('describes %s', (method) => {
    expect(protocol).toContain(`| \`${method}\` |`);
  });
});
