/** `listJobs` with a limit of 50 in a fresh process, in a root of 10,000 finished jobs; beside it the names of the root alone. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { interleave, report } from './report.mjs';
import { importRunner, loadRunner, numberOption, programWords, runtime, withRoot } from './runner-setup.mjs';

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
  await fill(runner, root, jobs);
  const time = (which, expected) => () => {
    const [program, ...args] = programWords('runner-list.mjs', 'runner:list', which, root);
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

/** Copies of one job that really ran, each a second later than the one before. */
async function fill(runner, root, jobs) {
  const first = runner.launchJob(root, { command: ['true'], cwd: root, shellWrapper: [] }, process.env);
  await first.ended;
  const { state } = runner.settle(first.job);
  const meta = JSON.parse(readFileSync(runner.pathOf(first.job, 'meta'), 'utf8'));
  const bornMs = Date.now() - jobs * 1000;
  for (let copy = 1; copy < jobs; copy++) {
    const id = copy.toString(16).padStart(32, '0');
    const job = { id, path: join(root, id) };
    mkdirSync(job.path, 0o700);
    const startedMs = bornMs + copy * 1000;
    const started_at = `${new Date(startedMs).toISOString().slice(0, 19)}Z`;
    for (const file of ['stdout', 'stderr', 'full', 'record']) {
      cpSync(runner.pathOf(first.job, file), runner.pathOf(job, file));
    }
    writeFileSync(runner.pathOf(job, 'meta'), JSON.stringify({ ...meta, job: { id }, created_at: started_at }));
    writeFileSync(
      runner.pathOf(job, 'state'),
      JSON.stringify({ ...state, job: { ...state.job, id, started_at }, started_at_ms: startedMs }),
    );
    utimesSync(runner.pathOf(job, 'state'), startedMs / 1000 + 0.1, startedMs / 1000 + 0.1);
  }
}
