import { mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openJobs, pathOf } from '@kanade/runner';
import { eventually, tempDir } from '@kanade/testkit';
import { expect, it } from 'vitest';
import { listJobs, listJobsInTurns } from '../src/life/list.ts';

/** A finished job that started and was last written so many seconds into the same day. */
function finishedJob(root: string, id: string, startedS: number, writtenS: number, cwd = '/'): string {
  const job = { id, path: `${root}/${id}` };
  mkdirSync(job.path);
  const dayMs = Date.parse('2025-01-01T00:00:00Z');
  const at = (seconds: number): string => new Date(dayMs + seconds * 1000).toISOString().replace('.000', '');
  writeFileSync(
    pathOf(job, 'meta'),
    JSON.stringify({ job: { id }, schema_version: '0.1', command: ['x'], created_at: at(0), root, env_keys: [], cwd }),
  );
  writeFileSync(
    pathOf(job, 'state'),
    JSON.stringify({
      job: { id, status: 'exited', started_at: at(startedS) },
      result: { exit_code: 0, signal: null, duration_ms: 1 },
      updated_at: at(writtenS),
      finished_at: at(writtenS),
    }),
  );
  utimesSync(pathOf(job, 'state'), new Date(at(writtenS)), new Date(at(writtenS)));
  return job.path;
}

const idsOf = ({ jobs }: ReturnType<typeof listJobs>): string[] => jobs.map(({ view }) => view.job.id);

it('the order is that of the starts, whatever ended first', async () => {
  await using dir = await tempDir();
  finishedJob(dir.path, 'long', 10, 1000);
  finishedJob(dir.path, 'late', 900, 901);
  finishedJob(dir.path, 'tie-a', 500, 501);
  finishedJob(dir.path, 'tie-b', 500, 600);
  finishedJob(dir.path, 'early', 1, 2);
  const all = ['late', 'tie-b', 'tie-a', 'long', 'early'];
  for (const limit of [1, 2, 3, 4]) {
    const listed = listJobs(dir.path, { limit });
    expect([idsOf(listed), listed.truncated]).toEqual([all.slice(0, limit), true]);
  }
  expect(listJobs(dir.path, { limit: 5 })).toMatchObject({ truncated: false, skipped: 0 });
  expect(idsOf(listJobs(dir.path, { limit: 0 }))).toEqual(all);
});

it('a job that has no note is found by its start, however far the time of its state lags behind that', async () => {
  await using dir = await tempDir();
  finishedJob(dir.path, 'older', 10.2, 10.9);
  finishedJob(dir.path, 'old', 10.3, 10.8);
  finishedJob(dir.path, 'newest', 10.4, 10);
  expect(idsOf(listJobs(dir.path, { limit: 1 }))).toEqual(['newest']);
});

it('what is not shown is not read', async () => {
  await using dir = await tempDir();
  for (let second = 1; second <= 20; second++) finishedJob(dir.path, `job-${second}`, second, second);
  // A definition that cannot be read is skipped and counted: whoever reads these would count them.
  for (let second = 1; second <= 10; second++) writeFileSync(`${dir.path}/job-${second}/meta.json`, 'damaged');
  const listed = listJobs(dir.path, { limit: 3 });
  expect([idsOf(listed), listed.truncated, listed.skipped]).toEqual([['job-20', 'job-19', 'job-18'], true, 0]);
  expect(listJobs(dir.path, { limit: 0 }).skipped).toBe(10);
});

it('in turns the answer is the same, others have theirs meanwhile, and who gives up is not waited for', async () => {
  await using dir = await tempDir();
  for (let second = 1; second <= 120; second++) finishedJob(dir.path, `job-${second}`, second, second);
  const filter = { tags: ['none'], limit: 3 };
  let turns = 0;
  const count = (): void => {
    turns++;
    next = setImmediate(count);
  };
  let next = setImmediate(count);
  expect(await listJobsInTurns(dir.path, { limit: 0 })).toEqual(listJobs(dir.path, { limit: 0 }));
  expect(turns).toBeGreaterThan(2);
  clearImmediate(next);
  const giveUp = new AbortController();
  const listed = listJobsInTurns(dir.path, filter, giveUp.signal);
  giveUp.abort(new Error('enough'));
  await expect(listed).rejects.toThrow('enough');
});

it('a filter is filled from as far back as it takes', async () => {
  await using dir = await tempDir();
  for (let second = 1; second <= 9; second++) finishedJob(dir.path, `job-${second}`, second, second, `/${second % 3}`);
  mkdirSync(`${dir.path}/no-definition`);
  const listed = listJobs(dir.path, { cwd: '/1', limit: 2 });
  expect([idsOf(listed), listed.truncated, listed.skipped]).toEqual([['job-7', 'job-4'], true, 1]);
});

it('a restart comes first again, and a job whose launch was not noted is found all the same', async () => {
  await using dir = await tempDir();
  await using jobs = openJobs(dir.path, { keeper: 'here' });
  const ids: string[] = [];
  for (let count = 0; count < 3; count++) {
    const { job, ended } = jobs.launch({ command: ['true'], cwd: dir.path, shellWrapper: [] });
    await ended;
    jobs.settle(job);
    ids.push(job.id);
    await eventually('the clock has moved on', () => Date.now() > (jobs.settle(job).state?.started_at_ms ?? 0) + 20);
  }
  const [first = '', second = '', third = ''] = ids;
  finishedJob(dir.path, 'of-the-ancestor', 1, 2);
  expect(idsOf(jobs.list({ limit: 1 }))).toEqual([third]);
  const again = await jobs.restart(jobs.find(first));
  await again.ended;
  expect(idsOf(jobs.list({ limit: 2 }))).toEqual([first, third]);
  jobs.delete(jobs.find(third));
  expect(idsOf(jobs.list())).toEqual([first, second, 'of-the-ancestor']);
  rmSync(join(dir.path, '.host/launches'));
  expect(idsOf(jobs.list({ limit: 3 }))).toEqual([first, second, 'of-the-ancestor']);
});

it('jobs of other directories are not read', async () => {
  await using dir = await tempDir();
  await using jobs = openJobs(join(dir.path, 'jobs'), { keeper: 'here' });
  const launch = (cwd: string) => jobs.launch({ command: ['true'], cwd, shellWrapper: [] });
  const [elsewhere, here] = [launch('/'), launch(dir.path)];
  await Promise.all([elsewhere.ended, here.ended]);
  writeFileSync(pathOf(elsewhere.job, 'meta'), 'damaged');
  expect(jobs.list({ cwd: dir.path })).toMatchObject({ jobs: [{ view: { job: here.job } }], skipped: 0 });
  expect(jobs.list()).toMatchObject({ skipped: 1 });
});

it.each(['', 'no launch at all\n', '\0\n \n\n', `zzzzzzzz 00000000 ${'a'.repeat(32)}\n`])(
  'a damaged note of launches (%j) hides nothing',
  async (text) => {
    await using dir = await tempDir();
    finishedJob(dir.path, 'job', 1, 2);
    mkdirSync(`${dir.path}/.host`);
    writeFileSync(`${dir.path}/.host/launches`, text);
    expect(idsOf(listJobs(dir.path, { limit: 1 }))).toEqual(['job']);
  },
);

it('lines of deleted jobs go with a collection', async () => {
  await using dir = await tempDir();
  await using jobs = openJobs(dir.path, { keeper: 'here' });
  const { job, ended } = jobs.launch({ command: ['true'], cwd: dir.path, shellWrapper: [] });
  await ended;
  const path = join(dir.path, '.host/launches');
  const line = readFileSync(path, 'utf8');
  writeFileSync(path, `${`k5 00000000 ${'0'.repeat(32)}\n`.repeat(2_000)}${line}`);
  jobs.prune({ olderThanMs: 60_000 });
  expect(readFileSync(path, 'utf8')).toBe(line);
  expect(idsOf(jobs.list())).toEqual([job.id]);
});
