/** Proportional memory of what runs beside the workload of an idle job; beside it a shell that waits for the same workload. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { median, report } from '../report.mjs';
import {
  cpuMsOf,
  loadRunner,
  numberOption,
  programWords,
  pssOf,
  rounded,
  runtime,
  sessionOf,
  until,
  withRoot,
} from './setup.mjs';

const runner = await loadRunner();
const jobs = numberOption('jobs', 1000);
const mebibytes = (values) => rounded(values.reduce((sum, value) => sum + value, 0) / values.length / 2 ** 20);
/** How long the keeper is watched doing nothing, in ms. */
const idleMs = 5_000;

await withRoot(runner, async (root) => {
  runner.ensureKeeper(root, programWords('./keeper.mjs', root));
  const keeper = await until('the keeper serves', () => runner.liveKeeper(root)?.pid);
  const keeperAlone = pssOf(keeper);
  const shims = [];
  for (let count = 0; count < jobs; count++) {
    const launched = runner.launchJob(root, { command: ['sleep', '1000'], cwd: root, shellWrapper: [] }, process.env);
    launched.release();
    runner.mark(root, launched.job);
    shims.push(runner.settle(launched.job).state.pid);
  }
  const last = shims.at(-1);
  await until('the last job runs', () => sessionOf(last).length === 2, 20);
  // Fifty waiting shells tell what one costs: nearly all of it is shared.
  const peers = Array.from({ length: 50 }, () =>
    spawn('sh', ['-c', 'sleep 1000; exit $?'], { detached: true, stdio: 'ignore' }),
  );
  await until('the peers run', () => peers.every(({ pid }) => sessionOf(pid).length === 2), 100);
  await sleep(idleMs); // until the keeper has met them all
  const cpuBeforeMs = cpuMsOf(keeper);
  await sleep(idleMs);
  const cpuPercent = ((cpuMsOf(keeper) - cpuBeforeMs) * 100) / idleMs;
  const workloads = shims.slice(0, 50).flatMap((shim) => sessionOf(shim).filter((pid) => pid !== shim));
  report({
    bench: 'runner:memory',
    unit: 'MiB per job',
    value: shims.reduce((sum, pid) => sum + pssOf(pid), 0) / jobs / 2 ** 20,
    peer: 'a shell that waits for the same workload',
    peerValue: median(peers.map(({ pid }) => pssOf(pid))) / 2 ** 20,
    workloadMiB: mebibytes(workloads.map(pssOf)),
    keeperMiB: { alone: rounded(keeperAlone / 2 ** 20), withJobs: rounded(pssOf(keeper) / 2 ** 20) },
    keeperIdleCpuPercent: rounded(cpuPercent),
    goal: { perJobMiB: 0.25, keeperMB: 45 },
    jobs,
    runtime,
  });
  const ends = peers.map((peer) => once(peer, 'exit'));
  for (const { pid } of peers) process.kill(-pid, 'SIGKILL');
  await Promise.all(ends);
  // All at once: one by one the stops of a thousand jobs would look at the process table two thousand times.
  const known = new Set(shims);
  const below = runner.listProcesses().filter(({ parent }) => known.has(parent));
  for (const { pid } of below) process.kill(pid, 'SIGKILL');
  await until(
    'all jobs have ended',
    () => !runner.listProcesses().some(({ pid, zombie }) => known.has(pid) && !zombie),
    100,
  );
});
