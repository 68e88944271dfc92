/**
 * A job on a disk that takes nothing any more: argv is its root and how. `full`: a small file system of its own is filled to
 * the last byte. `read-only`: it is looked at through a read-only mount. `forbidden`: its directory is not ours to write.
 * Prints what settling, listing and stopping say.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { type JobDir, type JobError, pathOf } from '@kanade/runner';
import { eventually } from '@kanade/testkit';
import { createJob, launchJob, startJob } from '../../src/life/launch.ts';
import { listJobs } from '../../src/life/list.ts';
import { settle } from '../../src/life/settle.ts';
import { stopJob } from '../../src/life/stop.ts';
import { readTail } from '../../src/output/excerpt.ts';
import { jobDir } from '../../src/record/root.ts';

const [base = '', how = ''] = process.argv.slice(2);
const root = `${base}/jobs`;
const nobody = 65_534;

function run(program: string, ...args: string[]): void {
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} exited ${status}: ${stderr}`);
}

if (how === 'full') run('mount', '-t', 'tmpfs', '-o', 'size=512k', 'none', base);
mkdirSync(root);
if (how === 'forbidden' && process.getuid?.() === 0) {
  chmodSync(base, 0o755);
  chownSync(root, nobody, nobody);
  process.setgid?.(nobody);
  process.setuid?.(nobody);
}

const launched = launchJob(
  root,
  { command: ['echo up; exec sleep 60'], cwd: '/', shellWrapper: ['sh', '-c'] },
  process.env,
);
const { id } = launched.job;
await eventually('the job is up', () => readTail(pathOf(launched.job, 'stdout'), 10, 0).text !== '');

const defined = how === 'full' ? createJob(root, { command: ['sleep 60'], cwd: '/' }).job : launched.job;

let looked = root;
if (how === 'full') fill(`${base}/ballast`);
if (how === 'forbidden') chmodSync(launched.job.path, 0o500);
if (how === 'read-only') {
  looked = `${base}/view`;
  mkdirSync(looked);
  run('mount', '--bind', root, looked);
  run('mount', '-o', 'remount,bind,ro', looked);
}

const job = jobDir(looked, id);
const list = (): string[] =>
  listJobs(looked, { limit: 0 })
    .jobs.filter(({ view }) => view.job.id === id)
    .map(({ view }) => view.status);
const before = [settle(job).status, ...list()];
const started = how === 'full' ? startOf(defined) : 'launch_failed created';
const { view, report } = await stopJob(job, { by: 'user', graceMs: 1_000 });
await launched.ended;
console.log(
  JSON.stringify({
    before,
    started,
    stopped: view.status,
    left: report?.survivors,
    after: [settle(job).status, ...list()],
  }),
);

/** A start on a full disk runs nothing of which nobody could know, and may be tried again. */
function startOf(created: JobDir): string {
  try {
    startJob(created, process.env);
    return 'started';
  } catch (error) {
    return `${(error as JobError).code} ${settle(created).status}`;
  }
}

/** Whole blocks first, then byte by byte, until nothing fits. */
function fill(path: string): void {
  const fd = openSync(path, 'w');
  for (let bytes = 64 * 1024; bytes >= 1; bytes = Math.floor(bytes / 2)) {
    try {
      for (;;) writeSync(fd, Buffer.alloc(bytes));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }
  closeSync(fd);
}
