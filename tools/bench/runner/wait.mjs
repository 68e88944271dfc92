/** From the death of a workload to `waitForEnd` resolved; beside it the exit event of a direct child that dies the same way. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { report } from '../report.mjs';
import { loadRunner, numberOption, percentile, rounded, runtime, sessionOf, until, withRoot } from './setup.mjs';

const runner = await loadRunner();
const rounds = numberOption('rounds', 200);

async function ours(root) {
  const { job } = runner.launchJob(root, { command: ['sleep', '1000'], cwd: root, shellWrapper: [] }, process.env);
  const shim = runner.settle(job).state.pid;
  const [workload] = await until('the workload runs', () => {
    const below = sessionOf(shim).filter((pid) => pid !== shim);
    return below.length > 0 && below;
  });
  const waiting = runner.waitForEnd(job);
  const startedMs = performance.now();
  process.kill(workload, 'SIGKILL');
  const { state } = await waiting;
  const tookMs = performance.now() - startedMs;
  if (state.ending.signal !== 9) throw new Error(`the job ended as ${JSON.stringify(state.ending)}`);
  return tookMs;
}

async function bare() {
  const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
  await once(child, 'spawn');
  const ended = once(child, 'exit');
  const startedMs = performance.now();
  child.kill('SIGKILL');
  await ended;
  return performance.now() - startedMs;
}

await withRoot(runner, async (root) => {
  const [jobs, children] = [[], []];
  for (let round = 0; round < rounds; round++) {
    jobs.push(await ours(root));
    children.push(await bare());
  }
  report({
    bench: 'runner:wait',
    unit: 'ms',
    value: percentile(jobs, 0.5),
    peer: 'exit event of a direct child',
    peerValue: percentile(children, 0.5),
    p99: rounded(percentile(jobs, 0.99)),
    peerP99: rounded(percentile(children, 0.99)),
    goal: { p50: 5, p99: 30 },
    rounds,
    runtime,
  });
});
