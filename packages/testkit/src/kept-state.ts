import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { runtimeWords } from './runtime.ts';
import { tempDir } from './temp-dir.ts';

const run = promisify(execFile);

/** State that a version has left, and that every later one opens. */
export interface KeptState {
  /** Of the release that left it; `this one` is what the sources leave now. */
  readonly version: string;
  /** A copy of its own: `path` is the file, or the directory. Gone when it is disposed of. */
  unpack(): Promise<{ readonly path: string } & AsyncDisposable>;
}

/**
 * The states of the releases in `test/kept` of a package, as `pnpm state:keep` put them there, and the one that its program
 * `test/programs/keep-state.ts` makes now, so that what the next release will keep is seen to open, too.
 */
export function keptStates(testDir: string): KeptState[] {
  const files = readdirSync(join(testDir, 'kept')).sort();
  const states = files.map((name) => {
    const [, version = name, form = ''] = /^(.*)\.(db|tar)\.gz$/.exec(name) ?? [];
    return { version, unpack: () => unpackInto((home) => unpackFile(join(testDir, 'kept', name), form, home)) };
  });
  return [...states, { version: 'this one', unpack: () => unpackInto((home) => leaveState(testDir, home)) }];
}

async function unpackInto(fill: (home: string) => Promise<string>) {
  const home = await tempDir();
  return { path: await fill(home.path), [Symbol.asyncDispose]: () => home[Symbol.asyncDispose]() };
}

async function unpackFile(file: string, form: string, home: string): Promise<string> {
  const path = join(home, 'state');
  if (form === 'db') {
    writeFileSync(path, gunzipSync(readFileSync(file)), { mode: 0o600 });
    return path;
  }
  await mkdir(path, { mode: 0o700 });
  await run('tar', ['-xzf', file, '-C', path]);
  return path;
}

async function leaveState(testDir: string, home: string): Promise<string> {
  const [program, ...words] = runtimeWords('node');
  const path = join(home, 'state');
  await run(program, [...words, join(testDir, 'programs/keep-state.ts'), path]);
  return path;
}
