/**
 * From a tag to everything that people take, in seconds, all platforms; and the same again in another directory: which bytes differ.
 * `--quick` makes packages of the system with less effort on their size.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { environment, root } from '../../toolchain.mjs';
import { report } from '../report.mjs';

const run = promisify(execFile);
const dir = mkdtempSync(join(tmpdir(), 'kanade-release-'));
process.on('exit', () => rmSync(dir, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));

/** A checkout of its own of what is committed. */
async function checkout(name, from) {
  const tree = join(dir, name);
  await run('git', ['clone', '--quiet', from, tree]);
  for (const [key, value] of [
    ['user.name', 'Bench'],
    ['user.email', 'bench@example.com'],
  ])
    await run('git', ['config', key, value], { cwd: tree });
  await run('pnpm', ['install', '--frozen-lockfile', '--prefer-offline'], { cwd: tree, env: environment() });
  return tree;
}

const release = (tree, ...words) =>
  run('node', ['tools/release.mjs', ...words, ...process.argv.slice(3)], { cwd: tree, env: environment() });

async function secondsOf(work) {
  const startedMs = performance.now();
  await work();
  return (performance.now() - startedMs) / 1000;
}

const first = await checkout('here', root);
// The tag, and nothing built yet.
await release(first, '--kind', 'sbom');
const { stdout } = await run('git', ['describe', '--tags', '--abbrev=0', '--match', 'product@*'], { cwd: first });
const tag = stdout.trim();
const second = await checkout('in/another/place', first);
const value = await secondsOf(() => release(first, '--at', tag));
const peerValue = await secondsOf(() => release(second, '--at', tag));

const contentsOf = (tree) =>
  JSON.parse(readFileSync(join(tree, 'release', tag.slice('product@'.length), 'contents.json'), 'utf8')).files;
const made = contentsOf(first);
const again = new Map(contentsOf(second).map(({ name, sha256 }) => [name, sha256]));
report({
  ...{ bench: 'release:all', unit: 's', value, peer: 'the same in another directory', peerValue },
  differing: made.filter(({ name, sha256 }) => again.get(name) !== sha256).map(({ name }) => name),
  bytes: Object.fromEntries(made.map(({ name, bytes }) => [name, bytes])),
});
