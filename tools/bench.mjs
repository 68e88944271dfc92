/**
 * `pnpm -s bench` lists the benchmarks; `pnpm -s bench NAME` runs one and prints one JSON line:
 * `{"bench","unit","value","peer","peerValue","ratio",…}`, medians of interleaved runs of both sides, ratio = value / peerValue.
 */
import { execFileSync } from 'node:child_process';
import { environment, fail, installPackages, onPinnedNode, root, runTool } from './toolchain.mjs';

/** Name → what it measures, and the file that does. Those on `bun` start programs, which costs the least there. */
const benches = {
  'cli:status': {
    what: 'kanade status <id>, against an empty program compiled the same way',
    file: 'cli.mjs',
    runtime: 'bun',
  },
  'cli:run': { what: 'kanade run -- true, ended and answered, against the same', file: 'cli.mjs', runtime: 'bun' },
  shared: {
    what: 'decoding of the hot messages, in µs, against JSON.parse alone; import time of each entry',
    file: 'shared.mjs',
    runtime: 'node',
  },
  clone: {
    what: 'cold clone to green tests, in seconds, against a second run in the same clone',
    file: 'clone.mjs',
    runtime: 'node',
  },
};

const name = process.argv[2];
if (name === undefined) {
  for (const [known, { what }] of Object.entries(benches)) console.log(`${known.padEnd(12)} ${what}`);
  process.exit(0);
}
const bench = Object.hasOwn(benches, name) ? benches[name] : fail(`no benchmark ${name}: pnpm -s bench lists them`, 2);
installPackages();
await onPinnedNode();
if (
  bench.runtime === 'bun' &&
  runTool('nx', ['run', 'kanade:executable', '--outputStyle=static'], { stdio: ['ignore', 'ignore', 2] }) !== 0
) {
  fail('building the executable failed: see above');
}
const { bunPath } = await import('../apps/kanade/build/executable.mjs');
const runtime = bench.runtime === 'bun' ? bunPath() : process.execPath;
execFileSync(runtime, [`tools/bench/${bench.file}`, name], {
  cwd: root,
  env: environment(),
  stdio: ['ignore', 'inherit', 'inherit'],
});
