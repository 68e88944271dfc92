/**
 * Keeps the state that this version leaves, for the tests of every later one (`test/kept-state.test.ts`): for each package with a
 * program `test/programs/keep-state.ts` a file `test/kept/<version>.…`. A release runs it after the versions were raised and before
 * it commits. What a released version left is never made again. One JSON line for each file that was made.
 *
 *   node --conditions=@kanade/source tools/keep-state.mjs [@kanade/runner …]    without a name: of every package
 */
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { root } from './toolchain.mjs';

const { groups } = JSON.parse(readFileSync(join(root, 'nx.json'), 'utf8')).release;

/** Whether a version of a package was released. */
function isReleased(name, version) {
  const tag = groups.product.projects.includes(name) ? `product@${version}` : `${name}@${version}`;
  return execFileSync('git', ['tag', '--list', tag], { cwd: root, encoding: 'utf8' }).trim() !== '';
}

/** What a program leaves at `<scratch>/state`, as one compressed file. */
async function makeState(program, scratch) {
  const state = join(scratch, 'state');
  // Nothing of who makes it, and of where, belongs into it.
  const env = { PATH: '/usr/bin:/bin', HOME: scratch, TMPDIR: scratch, TZ: 'UTC', LANG: 'C.UTF-8' };
  await promisify(execFile)(process.execPath, ['--conditions=@kanade/source', program, state], { cwd: '/', env });
  if (statSync(state).isFile()) return { form: 'db', bytes: gzipSync(readFileSync(state), { level: 9 }) };
  const words = ['--sort=name', '--owner=0', '--group=0', '--numeric-owner', '-czf', '-', '-C', state, '.'];
  return { form: 'tar', bytes: execFileSync('tar', words, { maxBuffer: 64 * 1_048_576 }) };
}

async function keep(program) {
  const home = join(root, program, '../../..');
  const { name, version } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'));
  const kept = join(home, 'test/kept');
  const isKept = ['db', 'tar'].some((form) => existsSync(join(kept, `${version}.${form}.gz`)));
  if ((chosen.length > 0 && !chosen.includes(name)) || (isKept && isReleased(name, version))) return;
  const scratch = mkdtempSync(join(tmpdir(), 'keep-state-'));
  try {
    const { form, bytes } = await makeState(join(root, program), scratch);
    mkdirSync(kept, { recursive: true });
    const file = join(kept, `${version}.${form}.gz`);
    writeFileSync(file, bytes);
    console.log(JSON.stringify({ package: name, version, file: relative(root, file), bytes: bytes.length }));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

const chosen = process.argv.slice(2);
await Promise.all(globSync('packages/*/test/programs/keep-state.ts', { cwd: root }).map(keep));
