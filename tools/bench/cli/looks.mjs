/** Looks whose cost must not grow: `list` over many jobs, `tail` of a large log. */
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { copyJobs } from '../many-jobs.mjs';
import { interleave, median, report } from '../report.mjs';
import { callOf, executable, withJobs } from './setup.mjs';

const [many, few] = [10_000, 10];
const [large, small] = [5e9, 5e3];

const list = () =>
  withJobs(({ dir, env, kanade }) => {
    const calls = [many, few].map((count) => {
      const jobs = join(dir, `jobs-${count}`);
      const { job_id: jobId } = kanade('--root', jobs, 'run', '--', 'true');
      copyJobs(jobs, jobId, count);
      return () => callOf([...executable, '--root', jobs, 'list'], { cwd: dir, env });
    });
    for (const [at, shown] of [50, few].entries()) {
      const { jobs } = JSON.parse(calls[at]().stdout);
      if (jobs.length !== shown) throw new Error(`list shows ${jobs.length} jobs, not ${shown}`);
    }
    const rounds = 40;
    const [value, peerValue] = interleave(rounds, ...calls.map((call) => () => call().tookMs));
    report({
      bench: 'cli:list',
      unit: 'ms',
      value,
      peer: `over ${few} jobs`,
      peerValue,
      goal: { ratio: 2 },
      jobs: many,
      rounds,
      runtime: 'executable',
    });
  });

const tail = () =>
  withJobs(({ jobs, kanade, call }) => {
    const sides = [large, small].map((bytes) => {
      const { job_id: jobId } = kanade('run', '--', 'true');
      const path = join(jobs, jobId, 'stdout.log');
      const lines = 'a line of output\n'.repeat(10_000);
      // All but its end is a hole: what is read of it costs the same, and it fits every disk.
      truncateSync(path, Math.max(0, bytes - lines.length));
      writeFileSync(path, bytes > lines.length ? lines : lines.slice(0, bytes), { flag: 'a' });
      return () => call('tail', jobId);
    });
    const rounds = 100;
    const resident = sides.map((side) => median(Array.from({ length: 5 }, () => side().residentBytes)) / 1e6);
    const [value, peerValue] = interleave(rounds, ...sides.map((side) => () => side().tookMs));
    report({
      bench: 'cli:tail',
      unit: 'ms',
      value,
      peer: 'of a log of 5 KB',
      peerValue,
      residentMB: { large: Math.round(resident[0]), small: Math.round(resident[1]) },
      goal: { ratio: 1.2 },
      rounds,
      runtime: 'executable',
    });
  });

await { 'cli:list': list, 'cli:tail': tail }[process.argv[2]]();
