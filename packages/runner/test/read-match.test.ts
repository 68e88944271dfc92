import { appendFileSync, readFileSync } from 'node:fs';
import { type JobDir, type Jobs, type LineMatch, type NextReading, openJobs, pathOf } from '@kanade/runner';
import { tempDir } from '@kanade/testkit';
import { expect, it } from 'vitest';

const shell = { cwd: '/', shellWrapper: ['sh', '-c'] };
const match: LineMatch = { pattern: 'ready', match_type: 'contains', stream: 'either' };

async function ended(jobs: Jobs, script: string): Promise<JobDir> {
  const { job } = jobs.launch({ command: [script], ...shell });
  await jobs.wait(job);
  return job;
}

/** All matches of a job, each looked for from the cursor of the one before, and the last answer. */
async function allMatches(jobs: Jobs, job: JobDir, sought: LineMatch): Promise<{ lines: string[]; last: NextReading }> {
  const lines: string[] = [];
  for (let cursor: string | undefined; ; ) {
    const last = await jobs.readNext(job, { cursor, match: sought, bytesMax: 1_000 });
    if (!last.matched) return { lines, last };
    lines.push(`${last.matched.stream} ${last.matched.line}`);
    ({ cursor } = last);
  }
}

it('resolves with the line that matches, while the job runs on', async () => {
  await using dir = await tempDir();
  await using jobs = openJobs(dir.path, { keeper: 'here' });
  const { job } = jobs.launch({
    command: ['echo starting; sleep 0.05; echo "é ready now"; echo more; sleep 60'],
    ...shell,
  });
  const reading = await jobs.readNext(job, { match, bytesMax: 1_000 });
  expect(reading).toMatchObject({
    matched: { stream: 'stdout', line: 'é ready now', range: [9, 22] },
    stdout: { text: 'starting\né ready now\n', range: [0, 22] },
    ended: false,
    view: { status: 'running' },
  });
  const { cursor } = reading;
  expect((await jobs.readNext(job, { cursor, bytesMax: 1_000 })).stdout.text).toMatch(/^(more\n)?$/);
  const late = await jobs.readNext(job, { cursor, match, bytesMax: 1_000, timeoutMs: 20 });
  expect([late.matched, late.ended]).toEqual([undefined, false]);
  const end = jobs.readNext(job, { cursor, match, bytesMax: 1_000 });
  await jobs.stop(job, { graceMs: 100 });
  expect(await end).toMatchObject({ ended: true, stdout: { text: 'more\n' } });
  expect((await end).matched).toBeUndefined();
});

it('meets each line that matches once, from cursor to cursor, on both streams', async () => {
  await using dir = await tempDir();
  await using jobs = openJobs(dir.path, { keeper: 'here' });
  const job = await ended(
    jobs,
    'for i in 1 2 3; do echo "ready $i"; echo other; echo "ready $i" >&2; done; printf "ready last"',
  );
  const { lines, last } = await allMatches(jobs, job, match);
  expect(lines.filter((line) => line.startsWith('stdout'))).toEqual(
    ['ready 1', 'ready 2', 'ready 3', 'ready last'].map((line) => `stdout ${line}`),
  );
  expect(lines.filter((line) => line.startsWith('stderr'))).toEqual(
    ['ready 1', 'ready 2', 'ready 3'].map((line) => `stderr ${line}`),
  );
  expect(last).toMatchObject({ ended: true, stdout: { text: '' }, stderr: { text: '' } });
  const regex: LineMatch = { pattern: '^ready \\d$', match_type: 'regex', stream: 'stderr' };
  expect((await allMatches(jobs, job, regex)).lines).toHaveLength(3);
});

it('an unfinished line is looked at when it is complete', async () => {
  await using dir = await tempDir();
  await using jobs = openJobs(dir.path, { keeper: 'here' });
  const { job } = jobs.launch({ command: ['printf "not rea"; sleep 60'], ...shell });
  let cursor: string | undefined;
  for (let text = ''; text !== 'not rea'; ) {
    const reading = await jobs.readNext(job, { cursor, bytesMax: 100, timeoutMs: 10_000 });
    ({ cursor } = reading);
    text += reading.stdout.text;
  }
  const early = await jobs.readNext(job, { match, bytesMax: 100, timeoutMs: 0 });
  expect([early.matched, early.stdout.text]).toEqual([undefined, '']);
  appendFileSync(pathOf(job, 'stdout'), 'dy\n');
  expect((await jobs.readNext(job, { match, bytesMax: 100, cursor: early.cursor })).matched?.line).toBe('not ready');
  await jobs.stop(job, { graceMs: 100 });
});

it('finds a line behind megabytes, shows the last of them, and says what is not kept', async () => {
  await using dir = await tempDir();
  await using jobs = openJobs(dir.path, { keeper: 'here' });
  const job = await ended(
    jobs,
    'seq 1 300000; echo ready; head -c 200000 /dev/zero | tr "\\0" x; echo " ready, too"; echo rest',
  );
  const first = await jobs.readNext(job, { match, bytesMax: 20 });
  expect(first).toMatchObject({ matched: { line: 'ready' }, stdout: { text: '299999\n300000\nready\n' } });
  const second = await jobs.readNext(job, { match, bytesMax: 14, cursor: first.cursor });
  expect(second).toMatchObject({ matched: { line: expect.stringMatching(/^x+ ready, too$/) } });
  expect(second.matched?.line.length).toBeLessThanOrEqual(65_536);
  await jobs.trim(job, 100_000);
  const [, to] = jobs.describe(job).omitted?.stdout ?? [0, 0];
  const trimmed = await jobs.readNext(job, { match, bytesMax: 1_000_000 });
  expect(trimmed.stdout.omitted?.[1]).toBe(to);
  expect(trimmed.stdout.text).toBe(
    readFileSync(pathOf(job, 'stdout')).subarray(to, trimmed.stdout.range[1]).toString(),
  );
  expect(trimmed.stdout.text).not.toContain('\0');
});

it('begins anew with a run that began while it waited', async () => {
  await using dir = await tempDir();
  await using jobs = openJobs(dir.path, { keeper: 'here' });
  const job = await ended(jobs, 'echo ready');
  const { cursor } = await jobs.readNext(job, { match, bytesMax: 100 });
  await jobs.restart(job);
  await jobs.wait(job);
  const reading = await jobs.readNext(job, { match, bytesMax: 100, cursor });
  expect(reading).toMatchObject({ noticed: 'restarted', matched: { line: 'ready' }, stdout: { text: 'ready\n' } });
});

it('refuses an expression that takes more than one look, before it waits', async () => {
  await using dir = await tempDir();
  await using jobs = openJobs(dir.path, { keeper: 'here' });
  const job = jobs.create({ command: ['true'], ...shell });
  const sought: LineMatch = { pattern: '(a+)\\1', match_type: 'regex', stream: 'either' };
  await expect(jobs.readNext(job, { match: sought, bytesMax: 10 })).rejects.toMatchObject({ code: 'invalid_pattern' });
});
