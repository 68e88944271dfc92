/** Calls that meet the end of a job: how soon `wait` has returned, and what `kill` costs beside a mere look. */
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { median, report } from '../report.mjs';
import { percentile, rounded, until } from '../runner/setup.mjs';
import { executable, withJobs } from './setup.mjs';

const rounds = 40;

/** The job ends when a writer closes the pipe that it reads, which is the moment that counts. */
const wait = () =>
  withJobs(async ({ dir, env, kanade }) => {
    const pipe = join(dir, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const [waits, looks] = [[], []];
    for (let round = 0; round < rounds; round++) {
      const { job_id: jobId } = kanade('run', '--no-wait', '--shell-wrapper', 'sh -c', '--', `cat <${pipe}`);
      const writer = openSync(pipe, 'w');
      const waiting = Bun.spawn([...executable, 'wait', jobId], {
        cwd: dir,
        env,
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await until('wait watches', () => watches(waiting.pid));
      const endedMs = performance.now();
      closeSync(writer);
      await waiting.exited;
      waits.push(performance.now() - endedMs);
      const answer = JSON.parse(await new Response(waiting.stdout).text());
      if (answer.state !== 'exited') throw new Error(`wait answered ${JSON.stringify(answer)}`);
      const lookedMs = performance.now();
      kanade('wait', jobId);
      looks.push(performance.now() - lookedMs);
    }
    report({
      bench: 'cli:wait',
      unit: 'ms',
      value: median(waits),
      peer: 'wait for a job that has ended',
      peerValue: median(looks),
      p99: rounded(percentile(waits, 0.99)),
      goal: { p50: 10 },
      rounds,
      runtime: 'executable',
    });
  });

/** True when a process has a watch. */
function watches(pid) {
  try {
    return readdirSync(`/proc/${pid}/fd`).some(
      (fd) =>
        readlinkSync(`/proc/${pid}/fd/${fd}`).includes('inotify') &&
        readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'latin1').includes('inotify wd'),
    );
  } catch {
    return false;
  }
}

const kill = () =>
  withJobs(({ kanade, call }) => {
    const [kills, looks] = [[], []];
    for (let round = 0; round < rounds; round++) {
      const { job_id: jobId } = kanade('run', '--no-wait', '--', 'sleep', '1000');
      looks.push(call('status', jobId).tookMs);
      const { tookMs, stdout } = call('kill', jobId);
      kills.push(tookMs);
      if (JSON.parse(stdout).state !== 'killed') throw new Error(`kill answered ${stdout}`);
    }
    report({
      bench: 'cli:kill',
      unit: 'ms',
      value: median(kills),
      peer: 'kanade status of the same job',
      peerValue: median(looks),
      goal: { ratio: 2 },
      rounds,
      runtime: 'executable',
    });
  });

await { 'cli:wait': wait, 'cli:kill': kill }[process.argv[2]]();
