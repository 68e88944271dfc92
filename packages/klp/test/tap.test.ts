import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { runtimeWords } from '@kanade/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { listenLocal } from '../src/socket.ts';
import { errors } from './errors.ts';
import { serveOnSocket, temporaryDirectory } from './serving.ts';

interface Ended {
  code: number;
  lines: unknown[];
  stderr: string;
}

/** Runs klp-tap to its end. */
function tap(args: string[], { runtime = 'node' }: { runtime?: 'node' | 'bun' } = {}) {
  const [program, ...words] = runtimeWords(runtime);
  const bin = join(import.meta.dirname, '../src/bin.ts');
  return new Promise<Ended>((resolve) => {
    const child = execFile(program, [...words, bin, ...args], (error, stdout, stderr) => {
      const lines = stdout.startsWith('{')
        ? stdout
            .trimEnd()
            .split('\n')
            .map((line): unknown => JSON.parse(line))
        : [stdout];
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, lines: stdout === '' ? [] : lines, stderr });
    });
    onTestFinished(() => void child.kill('SIGKILL'));
  });
}

async function serve(): Promise<string> {
  const path = join(temporaryDirectory(), 's');
  await serveOnSocket({ path });
  return path;
}

const shake = ['system.handshake', '{"client":"tap"}'];

describe('klp-tap', () => {
  it.each(['node', 'bun'] as const)('calls what it is told, on %s', async (runtime) => {
    const path = await serve();
    const ended = await tap(['--path', path, ...shake, 'text.echo', '{"text":"a","times":3}', 'system.ping'], {
      runtime,
    });
    expect(ended).toEqual({
      code: 0,
      stderr: '',
      lines: [
        { method: 'system.handshake', result: { server: 'test', user: expect.any(String) } },
        { method: 'text.echo', result: { text: 'aaa' } },
        { method: 'system.ping', result: { pong: true } },
      ],
    });
  });

  it('prints pushes, as many as it is told', async () => {
    const path = await serve();
    const burst = ['push.burst', '{"count":3,"chars":1,"droppable":false}'];
    const { code, lines } = await tap(['--path', path, '--pushes', '2', ...shake, ...burst]);
    expect(code).toBe(0);
    expect(lines.slice(1, 3)).toEqual([
      { push: 'burst.item', params: { n: 0, filler: 'x' } },
      { push: 'burst.item', params: { n: 1, filler: 'x' } },
    ]);
    expect(lines.slice(3)).toEqual([{ method: 'push.burst', result: { sent: 3, dropped: 0 } }]);
  });

  it('ends with a call that failed, and says so with its exit code', async () => {
    const path = await serve();
    const { code, lines } = await tap(['--path', path, ...shake, 'no.such', 'system.ping']);
    expect(code).toBe(1);
    expect(lines.at(-1)).toEqual({ method: 'no.such', error: { kind: 'MethodNotFound', detail: 'no.such' } });
  });

  it('sends what it is told without a handshake', async () => {
    const { code, lines } = await tap(['--path', await serve(), 'system.ping']);
    expect(code).toBe(1);
    expect(lines).toMatchObject([{ method: 'system.ping', error: { detail: 'requires handshake' } }]);
  });

  it('shows the refusal of a server', async () => {
    const path = join(temporaryDirectory(), 's');
    const listener = await listenLocal({
      path,
      contract: { errors },
      accept: () => ({ ok: false, reason: 'not you' }),
      onConnection: () => {},
      limits: { refusalLingerMs: 100 },
    });
    onTestFinished(() => listener.close());
    const { code, lines, stderr } = await tap(['--path', path, 'system.ping']);
    expect(code).toBe(3);
    expect(lines).toEqual([{ error: { kind: 'Unauthorized', detail: 'not you' } }]);
    expect(stderr).toBe('klp-tap: Unauthorized: not you\n');
  });

  it('gives up a server that does not answer', async () => {
    const path = await serve();
    const { code, stderr } = await tap(['--path', path, '--timeout-ms', '200', ...shake, 'gate.wait', '{"gate":"a"}']);
    expect(code).toBe(3);
    expect(stderr).toBe('klp-tap: DeadlineExceeded: call gate.wait: no answer within 200 ms\n');
  });

  it('says that nobody is there', async () => {
    const path = join(temporaryDirectory(), 's');
    const { code, stderr } = await tap(['--path', path, 'system.ping']);
    expect(code).toBe(3);
    expect(stderr).toContain(path);
  });

  it('traces what it sends and gets, with secrets only when it is told to', async () => {
    const path = await serve();
    const words = ['--path', path, ...shake, 'text.echo', '{"text":"hunter2"}'];
    const short = await tap(['--trace', ...words]);
    expect(short.stderr.trimEnd().split('\n')).toHaveLength(4);
    expect(short.stderr).not.toContain('hunter2');
    expect((await tap(['--trace-bodies', ...words])).stderr).toContain('hunter2');
  });

  it.each([
    ['no path', ['a'], /--path PATH/],
    ['nothing to do', ['--path', 's'], /nothing to do/],
    ['params without a method', ['--path', 's', '{}'], /expected a method before its params/],
    ['params that are no JSON', ['--path', 's', 'a', '{'], /are not JSON/],
    ['an unknown option', ['--nope', 'a'], /--nope/],
    ['a number of pushes that is none', ['--path', 's', '--pushes', '0'], /from 1 after --pushes/],
  ])('refuses %s', async (_name, args, message) => {
    const { code, lines, stderr } = await tap(args);
    expect([code, lines]).toEqual([2, []]);
    expect(stderr).toMatch(message);
    expect(stderr).toContain('Usage: klp-tap');
  });
});
