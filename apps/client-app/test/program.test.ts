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
  stop(): void;
  /** The address it printed. */
  address(): Promise<string>;
}

function start(args: readonly string[], env: Record<string, string> = {}): Started {
  const child = spawn(process.execPath, [join(directory.path, 'client.cjs'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      KANADE_SOCKET: join(directory.path, 'no-agent.sock'),
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
    stop: () => child.kill('SIGTERM'),
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

    const token = new URL(address).hash.slice('#token='.length);
    const headers = { 'content-type': 'application/json' };
    await fetch(`${new URL(address).origin}/api/session`, { method: 'POST', headers, body: JSON.stringify({ token }) });
    await eventually('the file is gone', () => readdirSync(runtime).length === 0);
  });

  it('leaves no file behind when it is stopped before anybody has opened the page', async () => {
    const runtime = join(directory.path, 'unused');
    await mkdir(runtime);
    await using program = start(['--open'], { XDG_RUNTIME_DIR: runtime });
    await eventually('the words about the display', () => program.said.stderr.includes('found no display'));
    program.stop();
    expect(await program.ended).toBe(0);
    expect(readdirSync(runtime)).toEqual([]);
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
