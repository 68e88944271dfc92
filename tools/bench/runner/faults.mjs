/**
 * Jobs with known endings, launched by callers that are killed at random, watched over by keepers that are killed at random;
 * afterwards one look at every job. Lost: nobody knows how it ended. Wrong: another ending than its own. Doubled: it ran or
 * ended more than once, or a second look says something else. The peer of each figure is 0.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { report } from '../report.mjs';
import { loadRunner, numberOption, programWords, runtime, until, withRoot } from './setup.mjs';

const jobs = numberOption('jobs', 2000);
const kills = numberOption('kills', Math.ceil(jobs / 4));
/** Callers at work at once, and the jobs that one would launch if it lived. */
const callersMax = 2;
const share = 50;

const runner = await loadRunner();

function startCaller(root, callers) {
  const [program, ...args] = programWords('./faults-caller.mjs', root, share);
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  callers.add(child);
  child.once('exit', () => callers.delete(child));
}

/** Launches and kills until there are enough jobs, and enough kills among them. */
async function rage(root) {
  const callers = new Set();
  const killed = { caller: 0, keeper: 0 };
  while (runner.jobNames(root).length < jobs || killed.caller + killed.keeper < kills) {
    while (callers.size < callersMax) startCaller(root, callers);
    // A caller lives long enough to launch a few jobs; the longest naps let some finish.
    await sleep(Math.random() * 300);
    const keeper = runner.liveKeeper(root);
    if (keeper && Math.random() < 0.5) {
      if (runner.sendSignal(keeper, 'SIGKILL') === 'sent') killed.keeper++;
    } else {
      const [victim] = callers;
      if (victim?.kill('SIGKILL')) killed.caller++;
    }
  }
  for (const caller of callers) if (caller.kill('SIGKILL')) killed.caller++;
  await until('the callers are gone', () => callers.size === 0);
  return killed;
}

const endingOf = (ending) => (ending?.kind === 'signaled' ? `signal-${ending.signal}` : `exit-${ending?.exitCode}`);
const linesOf = (path) => readFileSync(path, 'utf8').split('\n').filter(Boolean);

/** What one look at a job says of it; undefined for one whose caller died before it was started. */
function judge(job) {
  const first = runner.settle(job);
  // Killed before it had written a state and started the shim, which begins with its pid: nobody was told of this job.
  const record = runner.pathOf(job, 'record');
  const isStarted = existsSync(record) && readFileSync(record, 'utf8').includes('pid ');
  if (first.status === 'created' || (!first.state && !isStarted)) {
    return existsSync(runner.pathOf(job, 'stdout')) && linesOf(runner.pathOf(job, 'stdout')).length > 0
      ? 'lost'
      : 'unstarted';
  }
  const { ending } = first.state;
  if (ending.kind === 'lost') return 'lost';
  if (endingOf(ending) !== runner.readMeta(job).tags[0]) return 'wrong';
  const ends = linesOf(runner.pathOf(job, 'record')).filter((text) => /^\d+$/.test(text)).length;
  const isSame = JSON.stringify(runner.settle(job).state) === JSON.stringify(first.state);
  return ends === 1 && linesOf(runner.pathOf(job, 'stdout')).length === 1 && isSame ? 'right' : 'doubled';
}

await withRoot(runner, async (root) => {
  const killed = await rage(root);
  const all = runner.jobNames(root).map((id) => runner.jobDir(root, id));
  await until('all jobs have ended', () => all.every((job) => runner.settle(job).status !== 'running'), 200);
  const counts = { right: 0, lost: 0, wrong: 0, doubled: 0, unstarted: 0 };
  for (const job of all) counts[judge(job)]++;
  report({
    bench: 'runner:faults',
    unit: 'bad endings',
    value: counts.lost + counts.wrong + counts.doubled,
    peer: 'none bad',
    peerValue: 0,
    ...counts,
    killed,
    jobs: all.length,
    goal: { lost: 0, wrong: 0, doubled: 0 },
    runtime,
  });
});
