import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { listJobs, pathOf } from '@kanade/runner';
import { tempDir } from '@kanade/testkit';
import { expect, it } from 'vitest';

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

it('what is not shown is not read', async () => {
  await using dir = await tempDir();
  for (let second = 1; second <= 20; second++) finishedJob(dir.path, `job-${second}`, second, second);
  // A definition that cannot be read is skipped and counted: whoever reads these would count them.
  for (let second = 1; second <= 10; second++) writeFileSync(`${dir.path}/job-${second}/meta.json`, 'damaged');
  const listed = listJobs(dir.path, { limit: 3 });
  expect([idsOf(listed), listed.truncated, listed.skipped]).toEqual([['job-20', 'job-19', 'job-18'], true, 0]);
  expect(listJobs(dir.path, { limit: 0 }).skipped).toBe(10);
});

it('a filter is filled from as far back as it takes', async () => {
  await using dir = await tempDir();
  for (let second = 1; second <= 9; second++) finishedJob(dir.path, `job-${second}`, second, second, `/${second % 3}`);
  mkdirSync(`${dir.path}/no-definition`);
  const listed = listJobs(dir.path, { cwd: '/1', limit: 2 });
  expect([idsOf(listed), listed.truncated, listed.skipped]).toEqual([['job-7', 'job-4'], true, 1]);
});
