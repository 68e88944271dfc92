/**
 * `pnpm -s bench` lists the benchmarks; `pnpm -s bench NAME` runs one and prints one JSON line (per runtime):
 * `{"bench","unit","value","peer","peerValue","ratio",…}`, medians of interleaved runs of both sides, ratio = value / peerValue.
 */
import { execFileSync } from 'node:child_process';
import { environment, fail, installPackages, onPinnedNode, root, runTool } from './toolchain.mjs';

/**
 * Name → what it measures, the file that does, and on what it runs: on each of several runtimes in turn, a line each.
 * Those that measure `programs` start them from Bun, where that costs the least.
 */
const benches = {
  'cli:status': {
    what: 'kanade status <id>, against an empty program; compiled, and as a bundle on Node',
    file: 'cli/start.mjs',
    programs: true,
  },
  'cli:run': {
    what: 'kanade run -- true, ended and answered, against the same',
    file: 'cli/start.mjs',
    programs: true,
  },
  'cli:list': { what: 'kanade list over 10,000 jobs, against 10', file: 'cli/looks.mjs', programs: true },
  'cli:tail': { what: 'kanade tail of a log of 5 GB, against 5 KB', file: 'cli/looks.mjs', programs: true },
  'cli:wait': { what: 'ms from the end of a job to the exit of kanade wait', file: 'cli/ends.mjs', programs: true },
  'cli:kill': { what: 'kanade kill of a job that obeys, against kanade status', file: 'cli/ends.mjs', programs: true },
  'cli:memory': { what: 'resident memory of a call, MB', file: 'cli/load.mjs', programs: true },
  'cli:parallel': {
    what: '100 calls of kanade run, 16 at a time: faults, and calls per second',
    file: 'cli/load.mjs',
    programs: true,
  },
  'local:waits': {
    what: 'ms from the end of a job to the answer, with 1,000 waits in one process, against one; and what they weigh',
    file: 'cli/waits.mjs',
    programs: true,
  },
  compress: {
    what: '% of their bytes that real outputs keep; memory of a call that compresses a whole log of 1 GB, against 1 MB',
    file: 'cli/compress.mjs',
    programs: true,
  },
  'mcp:run': {
    what: 'ms of run -- true through a connected client of kanade mcp, against kanade run -- true',
    file: 'cli/agents.mjs',
    programs: true,
  },
  'mcp:waits': {
    what: 'MB of kanade mcp with 1,000 waiting calls, against idle; ms from the end of a job to its answer meanwhile',
    file: 'cli/agents.mjs',
    programs: true,
  },
  'serve:run': {
    what: 'ms of a job of true over HTTP that stays connected, against kanade run -- true',
    file: 'cli/serve.mjs',
    programs: true,
  },
  'agent:order': {
    what: 'ms from an order to its result over NATS, p50 and p99 above the same shell without us',
    file: 'agent/order.mjs',
    programs: true,
  },
  'agent:burst': {
    what: 's for 500 orders to one agent, against 500 bare shells',
    file: 'agent/order.mjs',
    programs: true,
  },
  'agent:memory': {
    what: 'MB resident of an agent, idle and with 200 jobs, against an empty program (--long: over 10,000 runs)',
    file: 'agent/memory.mjs',
    programs: true,
  },
  'agent:soak': {
    what: 'MB resident of an agent over hours of a bit of everything, end against beginning; descriptors, files (--hours H)',
    file: 'agent/soak.mjs',
    programs: true,
    runtimes: ['node'],
  },
  'agent:idle': {
    what: '% of a core that an agent takes connected, away and with 100 jobs, against an empty program',
    file: 'agent/idle.mjs',
    programs: true,
  },
  'agent:reconnect': {
    what: 's from the kill of a broker to the last of 500 agents that has resumed (--agents N)',
    file: 'agent/reconnect.mjs',
    programs: true,
  },
  'agent:tail': {
    what: 'ms from a line in a log to the output of the operator who watches; what it costs while nobody does (--seconds N)',
    file: 'agent/tail.mjs',
    programs: true,
  },
  'agent:large': {
    what: 'longest stall of the agent over results of 8 MiB on both streams, ms, against short ones (--rounds N; --base DIR: a second side)',
    file: 'agent/large.mjs',
    programs: true,
  },
  'agent:collect': {
    what: 's from an order that collects 200 MB of files to its result, against zip -1; memory and answers meanwhile (--megabytes N)',
    file: 'agent/collect.mjs',
    programs: true,
  },
  'agent:cache': {
    what: 'ms from an order of a script object to its result, against the same script in the order; fetches of 1,000 runs (--rounds N)',
    file: 'agent/cache.mjs',
    programs: true,
  },
  'agent:update': {
    what: 'ms from a rollout without jitter to the heartbeat of the next version, against a start of the same; runs lost under load (--updates N, 100)',
    file: 'agent/update.mjs',
    programs: true,
    runtimes: ['node'],
  },
  'agent:conservation': {
    what: 'orders lost, doubled, wrong or unknown over random faults (--runs N, 5000; --faults N, 1000; --seed N)',
    file: 'agent/conservation.mjs',
    programs: true,
  },
  'fleet:results': {
    what: 'ms for the 1,000 results of one job among 100,000 of the last hour, against a bare consumer (--results N)',
    file: 'fleet/results.mjs',
    programs: true,
  },
  'fleet:enrol': {
    what: 's to enrol 500 machines with one token, against as many that only connect; ms from the token to the heartbeat (--machines N)',
    file: 'fleet/enrol.mjs',
    programs: true,
    runtimes: ['node'],
  },
  'client:view': {
    what: 'ms from the address to the first view of the Client App, KB of its script; in a real browser',
    file: 'client/page.mjs',
    programs: true,
    runtimes: ['node'],
  },
  'client:click': {
    what: 'ms from a click on Run to the first line of output on the page, p50',
    file: 'client/page.mjs',
    programs: true,
    runtimes: ['node'],
  },
  'client:flood': {
    what: 'longest task and late frames of the page over 1,000 lines a second and over 20 MB; memory of agent and server',
    file: 'client/page.mjs',
    programs: true,
    runtimes: ['node'],
  },
  'client:memory': {
    what: 'MB resident of the server of the page, nobody looking',
    file: 'client/page.mjs',
    programs: true,
    runtimes: ['node'],
  },
  'kanade:install': {
    what: 's from the install of the .deb to the first heartbeat, under a real systemd (as root; --rounds N); MB of each package',
    file: 'kanade/install.mjs',
    programs: true,
    runtimes: ['node'],
  },
  shared: {
    what: 'decoding of the hot messages, in µs, against JSON.parse alone; import time of each entry',
    file: 'shared/decode.mjs',
  },
  'release:all': {
    what: 's from a tag to everything that people take, five platforms, against the same in another directory; bytes that differ (--quick)',
    file: 'release/all.mjs',
  },
  clone: {
    what: 'cold clone to green tests, in seconds, against a second run in the same clone',
    file: 'clone.mjs',
  },
  'runner:wait': {
    what: 'ms from the end of a job to wait resolved, against the exit event of a direct child',
    file: 'runner/wait.mjs',
    runtimes: ['node', 'bun'],
  },
  'runner:list': {
    what: 'ms for the 50 newest of 10,000 finished jobs in a fresh process, against the names alone',
    file: 'runner/list.mjs',
    runtimes: ['node', 'bun'],
  },
  'runner:kill': {
    what: 'ms to the last exit of a tree of 200, against one signal to its group',
    file: 'runner/kill.mjs',
    runtimes: ['node', 'bun'],
  },
  'runner:output': {
    what: 'seconds for 1 GB of lines from a job, against a plain redirect',
    file: 'runner/output.mjs',
    runtimes: ['node', 'bun'],
  },
  'runner:launch': {
    what: 'launches per second, keeper warm, against bare spawns of the same shim',
    file: 'runner/launch.mjs',
    runtimes: ['node', 'bun'],
  },
  'runner:memory': {
    what: 'PSS per idle job in MiB (1,000 jobs), against a shell that waits; the keeper apart',
    file: 'runner/memory.mjs',
    runtimes: ['node', 'bun'],
  },
  'runner:faults': {
    what: 'endings lost, wrong or doubled with callers and keepers killed at random (--jobs N, 2000)',
    file: 'runner/faults.mjs',
    runtimes: ['node', 'bun'],
  },
  'klp:calls': {
    what: 'KLP round trips per second, validated, against vscode-jsonrpc; on Node and on Bun',
    file: 'klp/rpc.mjs',
  },
  'klp:ping': { what: 'µs of one KLP ping, p50 and p99, against the same', file: 'klp/rpc.mjs' },
  'klp:push': { what: 'MB/s of 64 KiB KLP pushes, against the same', file: 'klp/rpc.mjs' },
  'klp:decode': { what: 'MB/s of the KLP frame decoder, against JSON.parse', file: 'klp/decode.mjs' },
  'klp:idle': { what: 'KB of a KLP server per idle connection (5,000)', file: 'klp/idle.mjs' },
  'klp:import': {
    what: 'ms to import the KLP client, and the size of its bundle',
    file: 'klp/import.mjs',
  },
  'klp:fuzz': {
    what: 'the long run of the KLP fuzzers (--inputs N, 5000000; --seed N)',
    file: 'klp/fuzz.mjs',
  },
  'klp:abuse': {
    what: 'ms, the longest request of one user while another abuses the local socket of an agent, against nobody there; memory (as root; --rounds N)',
    file: 'klp/abuse.mjs',
    programs: true,
    runtimes: ['node'],
  },
  'libraries:alone': {
    what: 's until somebody has a library alone, from a registry into an empty folder: the slowest, against zod',
    file: 'libraries/alone.mjs',
  },
  'outbox:enqueue': {
    what: 'durable enqueues/s of 64 callers, against a file per record with fsync; on Node and on Bun',
    file: 'outbox/enqueue.mjs',
    runtimes: ['node', 'bun'],
  },
  'outbox:enqueue-one': {
    what: 'the same, one caller in a row',
    file: 'outbox/enqueue.mjs',
    runtimes: ['node', 'bun'],
  },
  'outbox:drain': {
    what: 'records/s into a deliver that resolves at once, against a file per record',
    file: 'outbox/drain.mjs',
    runtimes: ['node', 'bun'],
  },
  'outbox:open': {
    what: 'ms and MB to open 1,000,000 queued records, against an empty outbox',
    file: 'outbox/open.mjs',
    runtimes: ['node', 'bun'],
  },
  'outbox:stall': {
    what: 'p99 of the event-loop delay in ms during a burst of 10 s, against rest',
    file: 'outbox/stall.mjs',
    runtimes: ['node', 'bun'],
  },
  'outbox:peers': {
    what: 'a table of durable writes and removals/s beside classic-level and files',
    file: 'outbox/peers.mjs',
    runtimes: ['node', 'bun'],
  },
  'update:killed': {
    what: 'machines that are broken after updates and roll-backs that were killed at random (--kills N, 200)',
    file: 'update/killed.mjs',
  },
  'outbox:kills': {
    what: 'acknowledged, lost, duplicated, unknown over random SIGKILLs (--kills N, 1000)',
    file: 'outbox/kills.mjs',
  },
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
  bench.programs &&
  runTool('nx', ['run', 'kanade:executable', '--outputStyle=static'], { stdio: ['ignore', 'ignore', 2] }) !== 0
) {
  fail('building the executable failed: see above');
}
const { bunPath } = await import('../apps/kanade/build/executable.mjs');
for (const runtime of bench.runtimes ?? [bench.programs ? 'bun' : 'node']) {
  const words = [`tools/bench/${bench.file}`, name, ...process.argv.slice(3)];
  execFileSync(runtime === 'bun' ? bunPath() : process.execPath, words, {
    cwd: root,
    env: environment(),
    stdio: ['ignore', 'inherit', 'inherit'],
  });
}
