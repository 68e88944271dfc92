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
  'runner:wait': {
    what: 'ms from the end of a job to wait resolved, against the exit event of a direct child',
    file: 'runner-wait.mjs',
    runtime: 'node',
  },
  'runner:list': {
    what: 'ms for the 50 newest of 10,000 finished jobs in a fresh process, against the names alone',
    file: 'runner-list.mjs',
    runtime: 'node',
  },
  'runner:kill': {
    what: 'ms to the last exit of a tree of 200, against one signal to its group',
    file: 'runner-kill.mjs',
    runtime: 'node',
  },
  'runner:output': {
    what: 'seconds for 1 GB of lines from a job, against a plain redirect',
    file: 'runner-output.mjs',
    runtime: 'node',
  },
  'runner:launch': {
    what: 'launches per second, host warm, against bare spawns of the same shim',
    file: 'runner-launch.mjs',
    runtime: 'node',
  },
  'runner:memory': {
    what: 'PSS per idle job in MiB (1,000 jobs), against a shell that waits; the host apart',
    file: 'runner-memory.mjs',
    runtime: 'node',
  },
  'runner:faults': {
    what: 'endings lost, wrong or doubled with callers and hosts killed at random (--jobs N, 2000)',
    file: 'runner-faults.mjs',
    runtime: 'node',
  },
  'klp:calls': {
    what: 'KLP round trips per second, validated, against vscode-jsonrpc; on Node and on Bun',
    file: 'klp-rpc.mjs',
    runtime: 'node',
  },
  'klp:ping': { what: 'µs of one KLP ping, p50 and p99, against the same', file: 'klp-rpc.mjs', runtime: 'node' },
  'klp:push': { what: 'MB/s of 64 KiB KLP pushes, against the same', file: 'klp-rpc.mjs', runtime: 'node' },
};

const name = process.argv[2];
if (name === undefined) {
  for (const [known, { what }] of Object.entries(benches)) console.log(`${known.padEnd(14)} ${what}`);
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
execFileSync(runtime, [`tools/bench/${bench.file}`, name, ...process.argv.slice(3)], {
  cwd: root,
  env: environment(),
  stdio: ['ignore', 'inherit', 'inherit'],
});
