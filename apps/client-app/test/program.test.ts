import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually, tempDir } from '@kanade/testkit';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pagePlugin } from '../build-page.mjs';

const packageDir = join(import.meta.dirname, '..');
let directory: Awaited<ReturnType<typeof tempDir>>;

/** The program is the example of the README, bundled into one CommonJS file as the product is. */
beforeAll(async () => {
  directory = await tempDir();
  const readme = await readFile(join(packageDir, 'README.md'), 'utf8');
  const example = /```ts\n(.*?)```/s.exec(readme)?.[1] ?? '';
  // CommonJS has no top-level await; the product's own entry is a function.
  const contents = example.replace(/^(process\.exitCode = await .*)$/ms, 'void (async () => {\n$1})();\n');
  await build({
    stdin: { contents, resolveDir: import.meta.dirname, loader: 'ts' },
    outfile: join(directory.path, 'client.cjs'),
    bundle: true,
    platform: 'node',
    format: 'cjs',
    external: ['koffi', 'bun:ffi'],
    conditions: ['@kanade/source'],
    plugins: [pagePlugin()],
    logOverride: { 'empty-import-meta': 'silent' },
  });
});

afterAll(() => directory[Symbol.asyncDispose]());

interface Started extends AsyncDisposable {
  readonly said: { stdout: string; stderr: string };
  /** Resolves to the exit code once everything it printed is in `said`. */
  readonly ended: Promise<number | null>;
  stop(signal?: 'SIGTERM' | 'SIGKILL'): void;
  /** The address it printed. */
  address(): Promise<string>;
}

function start(args: readonly string[], env: Record<string, string | undefined> = {}): Started {
  const child = spawn(process.execPath, [join(directory.path, 'client.cjs'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      KANADE_SOCKET: join(directory.path, 'no-agent.sock'),
      XDG_RUNTIME_DIR: directory.path,
      DISPLAY: '',
      WAYLAND_DISPLAY: '',
      ...env,
    },
  });
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      said[stream] += text;
    });
  }
  const ended = once(child, 'close').then(([code]) => code as number | null);
  return {
    said,
    ended,
    stop: (signal = 'SIGTERM') => child.kill(signal),
    address: () =>
      eventually(
        'the line with the address',
        () => /^kanade-client: (http:\/\/127\.0\.0\.1:\d+\/#token=[\w-]{43})\n$/.exec(said.stdout)?.[1],
      ),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Files in which an address waits for its browser. */
const handOvers = (runtime: string): readonly string[] =>
  readdirSync(runtime).filter((name) => name.startsWith('kanade-client-'));

/** Trades the token of an address; true when it was good. */
async function use(address: string): Promise<boolean> {
  const { origin, hash } = new URL(address);
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify({ token: hash.slice('#token='.length) });
  return (await fetch(`${origin}/api/session`, { method: 'POST', headers, body })).ok;
}

describe('kanade-client', () => {
  it('prints one address, serves its page there without an agent, and stops on a signal', async () => {
    await using program = start([]);
    const response = await fetch(await program.address());
    expect({ status: response.status, html: await response.text() }).toEqual({
      status: 200,
      html: expect.stringContaining('<div id="app">'),
    });
    await eventually('the log about the missing agent', () => program.said.stderr.includes('no agent: dial: '));
    program.stop();
    expect(await program.ended).toBe(0);
    expect(program.said.stdout.split('\n')).toHaveLength(2);
  });

  it('carries the script and the style sheet that its page names', async () => {
    await using program = start([]);
    const { origin } = new URL(await program.address());
    const html = await (await fetch(origin)).text();
    const names = [...html.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, name]) => name);
    expect(names).toEqual(['/app.css', '/app.js']);
    for (const name of names) expect((await fetch(`${origin}${name}`)).status).toBe(200);
  });

  it('says that it found nothing to open where there is no display, and goes on', async () => {
    await using program = start(['--open']);
    const address = await program.address();
    await eventually('the words about the display', () => program.said.stderr.includes('found no display'));
    expect((await fetch(address)).status).toBe(200);
  });

  it('hands its address to the browser in a file of this user, which goes when it was used: no argument holds the token', async () => {
    const bin = join(directory.path, 'bin');
    const runtime = join(directory.path, 'runtime');
    await Promise.all([mkdir(bin), mkdir(runtime)]);
    const seen = join(directory.path, 'seen');
    await writeFile(
      join(bin, 'chromium'),
      `#!/bin/sh\nprintf '%s' "$*" > '${seen}.part'; mv '${seen}.part' '${seen}'\n`,
      {
        mode: 0o755,
      },
    );
    await using program = start(['--open'], {
      DISPLAY: ':9',
      XDG_RUNTIME_DIR: runtime,
      PATH: `${bin}:${process.env.PATH}`,
    });
    const address = await program.address();
    const given = await eventually('the browser', () => existsSync(seen) && readFileSync(seen, 'utf8'));
    const [, url = ''] = /^--app=(file:\S+)$/.exec(given) ?? [];
    const file = fileURLToPath(url);
    expect([statSync(file).mode & 0o777, statSync(dirname(file)).mode & 0o777]).toEqual([0o600, 0o700]);
    expect(readFileSync(file, 'utf8')).toContain(`content="0; url=${address}"`);

    expect(await use(address)).toBe(true);
    await eventually('the file is gone', () => handOvers(runtime).length === 0);
  });

  it('leaves no file behind when it is stopped before anybody has opened the page', async () => {
    const runtime = join(directory.path, 'unused');
    await mkdir(runtime);
    await using program = start(['--open'], { XDG_RUNTIME_DIR: runtime });
    await eventually('the words about the display', () => program.said.stderr.includes('found no display'));
    program.stop();
    expect(await program.ended).toBe(0);
    expect(handOvers(runtime)).toEqual([]);
  });

  it('prints the options', async () => {
    await using program = start(['--help']);
    expect(await program.ended).toBe(0);
    expect(program.said.stdout).toContain('--socket PATH');
  });

  it.each([
    [['--colour']],
    [['page.html']],
    [['--port']],
    [['--port', '70000']],
    [['--port', '1e3']],
    [['--socket', '']],
    [['--open=yes']],
  ])('exits 2 with an empty stdout on %j', async (args) => {
    await using program = start(args);
    expect(await program.ended).toBe(2);
    expect(program.said.stdout).toBe('');
    expect(program.said.stderr).toMatch(/^kanade-client: .+\nkanade-client: --help shows the options\n$/s);
  });

  it('exits 3 and names the way out when the port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    await using program = start(['--port', String(port)]);
    expect(await program.ended).toBe(3);
    expect(program.said).toEqual({
      stdout: '',
      stderr: expect.stringContaining(`could not listen on 127.0.0.1:${port}: another program uses this port`),
    });
    other.close();
  });
});

describe('a second kanade-client of the same person', () => {
  /** A place of its own for what runs, and a browser that writes down what it was given. */
  async function place(name: string) {
    const at = (...names: string[]): string => join(directory.path, name, ...names);
    await mkdir(at('runtime'), { recursive: true });
    await mkdir(at('bin'));
    const browser = `#!/bin/sh\nprintf '%s' "$*" > '${at('seen')}.part'; mv '${at('seen')}.part' '${at('seen')}'\n`;
    await writeFile(at('bin', 'chromium'), browser, { mode: 0o755 });
    const env = { XDG_RUNTIME_DIR: at('runtime'), DISPLAY: ':9', PATH: `${at('bin')}:${process.env.PATH}` };
    return { env, seen: () => existsSync(at('seen')) && readFileSync(at('seen'), 'utf8') };
  }

  it('opens the page of the first one by an address of its own, and ends', async () => {
    const { env, seen } = await place('second');
    await using first = start([], env);
    const address = await first.address();
    await using second = start(['--open'], env);
    expect(await second.ended).toBe(0);
    const other = await second.address();
    expect(second.said.stderr).toContain('runs already');
    expect(second.said.stderr).toContain('opened in an app window of chromium');
    expect(new URL(other).origin).toBe(new URL(address).origin);
    expect(await eventually('the browser', seen)).toMatch(/^--app=file:/);
    expect([await use(other), await use(address), await use(other)]).toEqual([true, true, false]);
  });

  it('does not claim another port for the one that runs', async () => {
    const { env } = await place('port');
    await using first = start([], env);
    const { origin } = new URL(await first.address());
    await using second = start(['--port', '1'], env);
    expect(await second.ended).toBe(1);
    expect(second.said).toEqual({ stdout: '', stderr: expect.stringContaining(`runs already, at ${origin}: stop it`) });
  });

  it('takes the place of one that was killed, and of one that has ended', async () => {
    const { env } = await place('stale');
    for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
      const before = start([], env);
      await before.address();
      before.stop(signal);
      await before.ended;
      await using after = start([], env);
      await after.address();
      expect(after.said.stderr).not.toContain('runs already');
    }
  });

  it('is one of several that are started at once, of which one stays', async () => {
    const { env } = await place('race');
    const started = [1, 2, 3].map(() => start([], env));
    await using stack = new AsyncDisposableStack();
    for (const one of started) stack.use(one);
    const origins = (await Promise.all(started.map((one) => one.address()))).map((url) => new URL(url).origin);
    expect(new Set(origins).size).toBe(1);
    await eventually(
      'two have ended',
      () => started.filter(({ said }) => said.stderr.includes('runs already')).length === 2,
    );
  });

  it('stands beside one for another agent', async () => {
    const { env } = await place('agents');
    await using first = start([], env);
    await using second = start(['--socket', join(directory.path, 'other.sock')], env);
    expect(new URL(await first.address()).origin).not.toBe(new URL(await second.address()).origin);
  });
});
