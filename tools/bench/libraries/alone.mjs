/**
 * Seconds in which somebody has a library who has nothing else: installed with npm from a registry into an empty folder with
 * empty caches, its example run, its types checked; the slowest of all, against installing zod the same way.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installAlone, libraries, publishLibraries } from '../../libraries.mjs';
import { startRegistry } from '../../registry.mjs';
import { root, runTool } from '../../toolchain.mjs';
import { median, report } from '../report.mjs';

const rounds = 3;
if (runTool('nx', ['run-many', '-t', 'build', '--outputStyle=static'], { stdio: ['ignore', 'ignore', 2] }) !== 0)
  throw new Error('building the libraries failed: see above');
await using registry = await startRegistry();
const scratch = mkdtempSync(join(tmpdir(), 'kanade-alone-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
await publishLibraries(registry, scratch);

async function seconds(work) {
  const home = mkdtempSync(join(scratch, 'home-'));
  const startedMs = performance.now();
  await work(home);
  const taken = (performance.now() - startedMs) / 1000;
  rmSync(home, { recursive: true });
  return taken;
}

async function take(library, home) {
  const folder = await installAlone(library, { client: 'npm', registry, home });
  // The example of fleet waits for a machine on a broker: its types are all that can be had alone.
  if (library.name !== '@kanade/fleet')
    execFileSync(process.execPath, ['example.ts'], { cwd: folder, stdio: 'ignore' });
  const words = ['--strict', '--noEmit', '--target', 'es2024', '--module', 'nodenext', '--types', 'node', 'example.ts'];
  execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), ...words], { cwd: folder });
}

function takeZod(home) {
  const folder = join(home, 'zod');
  mkdirSync(folder);
  writeFileSync(join(folder, '.npmrc'), registry.npmrc);
  writeFileSync(join(folder, 'package.json'), '{"name":"somebody","private":true}\n');
  const env = { ...process.env, npm_config_cache: join(home, 'npm-cache') };
  execFileSync('npm', ['install', 'zod', '@types/node@24'], { cwd: folder, env, stdio: 'ignore' });
}

const taken = Object.fromEntries(libraries.map(({ name }) => [name, []]));
const zod = [];
for (let round = 0; round < rounds; round++) {
  for (const library of libraries) taken[library.name].push(await seconds((home) => take(library, home)));
  zod.push(await seconds(takeZod));
}
const medians = Object.entries(taken).map(([name, values]) => [name, Math.round(median(values) * 100) / 100]);
report({
  bench: 'libraries:alone',
  unit: 's until somebody has the slowest library alone: npm install with empty caches, example, tsc --strict',
  value: Math.max(...medians.map(([, value]) => value)),
  peer: 'npm install of zod alone',
  peerValue: median(zod),
  each: Object.fromEntries(medians),
});
