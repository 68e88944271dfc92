/** `listJobs` with a limit of 50 in a fresh process, in a root of 10,000 finished jobs; beside it the names of the root alone. */
import { spawnSync } from 'node:child_process';
import { copyJobs } from '../many-jobs.mjs';
import { interleave, report } from '../report.mjs';
import { importRunner, loadRunner, numberOption, programWords, runtime, withRoot } from './setup.mjs';

const [, , , side, at] = process.argv;
if (side === 'list' || side === 'names') {
  const { listJobs, jobNames } = await importRunner();
  const startedMs = performance.now();
  const shown = side === 'list' ? listJobs(at, { limit: 50 }).jobs.length : jobNames(at).length;
  process.stdout.write(JSON.stringify({ tookMs: performance.now() - startedMs, shown }));
} else {
  const runner = await loadRunner();
  await withRoot(runner, (root) => measure(runner, root));
}

async function measure(runner, root) {
  const jobs = numberOption('jobs', 10_000);
  const rounds = numberOption('rounds', 15);
  const first = runner.launchJob(root, { command: ['true'], cwd: root, shellWrapper: [] }, process.env);
  await first.ended;
  runner.settle(first.job);
  copyJobs(root, first.job.id, jobs);
  const time = (which, expected) => () => {
    const [program, ...args] = programWords('./list.mjs', 'runner:list', which, root);
    const { status, stdout } = spawnSync(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    if (status !== 0) throw new Error(`the program for ${which} exited ${status}`);
    const { tookMs, shown } = JSON.parse(stdout);
    if (shown !== expected) throw new Error(`${which} showed ${shown}, not ${expected}`);
    return tookMs;
  };
  const [value, peerValue] = interleave(rounds, time('list', 50), time('names', jobs));
  report({
    bench: 'runner:list',
    unit: 'ms',
    value,
    peer: 'names of the job directories alone',
    peerValue,
    goal: { ms: 60 },
    jobs,
    rounds,
    runtime,
  });
}
