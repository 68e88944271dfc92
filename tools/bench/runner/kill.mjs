/** Stopping a tree of 200 processes to its last exit; beside it one TERM to the group of the same tree, without any proof. */
import { spawn } from 'node:child_process';
import { median, report } from '../report.mjs';
import { loadRunner, numberOption, rounded, runtime, sessionOf, until, withRoot } from './setup.mjs';

const runner = await loadRunner();
const size = numberOption('size', 200);
const rounds = numberOption('rounds', 7);
const script = `n=1; while [ $n -lt ${size} ]; do sleep 1000 & n=$((n+1)); done; wait`;

/** The shim of a job is none of its processes. */
const isUp = (leader, extra) => until('the tree is up', () => sessionOf(leader).length >= size + extra, 20);

async function ours(root) {
  const { job } = runner.launchJob(root, { command: [script], cwd: root, shellWrapper: ['sh', '-c'] }, process.env);
  const shim = runner.settle(job).state.pid;
  await isUp(shim, 1);
  const startedMs = performance.now();
  const { report: stop } = await runner.stopJob(job, { by: 'user' });
  const tookMs = performance.now() - startedMs;
  return { tookMs, survivors: sessionOf(shim).length, named: stop.survivors.length, mechanism: stop.mechanism };
}

async function bare() {
  const child = spawn('sh', ['-c', script], { detached: true, stdio: 'ignore' });
  await isUp(child.pid, 0);
  const startedMs = performance.now();
  process.kill(-child.pid, 'SIGTERM');
  await until('the tree is gone', () => sessionOf(child.pid).length === 0);
  return performance.now() - startedMs;
}

await withRoot(runner, async (root) => {
  const [jobs, trees] = [[], []];
  for (let round = 0; round < rounds; round++) {
    jobs.push(await ours(root));
    trees.push(await bare());
  }
  report({
    bench: 'runner:kill',
    unit: 'ms',
    value: median(jobs.map(({ tookMs }) => tookMs)),
    peer: 'TERM to the group, polled every 2 ms',
    peerValue: median(trees),
    worst: rounded(Math.max(...jobs.map(({ tookMs }) => tookMs))),
    survivors: jobs.reduce((sum, { survivors }) => sum + survivors, 0),
    named: jobs.reduce((sum, { named }) => sum + named, 0),
    mechanism: jobs[0].mechanism,
    goal: { ms: 100, survivors: 0 },
    size,
    rounds,
    runtime,
  });
});
