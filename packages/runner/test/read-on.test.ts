import { appendFileSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { type JobDir, type JobError, type JobReading, type Jobs, openJobs, pathOf } from '@kanade/runner';
import { eventually, seeded, tempDir } from '@kanade/testkit';
import { expect, it } from 'vitest';

const shell = { cwd: '/', shellWrapper: ['sh', '-c'] };
const code = async (act: () => unknown): Promise<unknown> => {
  try {
    return await act();
  } catch (error) {
    return (error as JobError).code;
  }
};

/** Reads on with nothing but the cursor, through a root that is opened anew for each reading. */
async function readToEnd(root: string, id: string, bytesMax: () => number, cursor?: string): Promise<JobReading[]> {
  const readings: JobReading[] = [];
  for (let at = cursor; ; at = readings.at(-1)?.cursor) {
    await using jobs = openJobs(root, { keeper: 'here' });
    readings.push(await jobs.readNext(jobs.at(id), { cursor: at, bytesMax: bytesMax(), timeoutMs: 20_000 }));
    if (readings.at(-1)?.ended) return readings;
  }
}

const textOf = (readings: readonly JobReading[], stream: 'stdout' | 'stderr'): string =>
  readings.map((reading) => reading[stream].text).join('');

/** Prints multi-byte text on both streams, in pieces that end anywhere. */
const oddChunks = (dir: string, count: number): string => `
  i=0
  while [ $i -lt ${count} ]; do
    dd if=${dir}/text bs=1 skip=$((i * 7)) count=7 status=none
    dd if=${dir}/text bs=1 skip=$((i * 5)) count=5 status=none >&2
    i=$((i + 1))
  done`;

it.each([4, 5, 64, 100_000])(
  'loses and repeats nothing from one cursor to the next, %i bytes at most',
  async (most) => {
    await using dir = await tempDir();
    await using jobs = openJobs(`${dir.path}/jobs`, { keeper: 'here' });
    const random = seeded(most);
    writeFileSync(`${dir.path}/text`, 'aé€😀ß\n漢字😺'.repeat(40));
    const { job } = jobs.launch({ command: [oddChunks(dir.path, 60)], ...shell });
    const readings = await readToEnd(jobs.root, job.id, () => 4 + Math.floor(random() * (most - 3)));
    for (const stream of ['stdout', 'stderr'] as const) {
      expect(textOf(readings, stream)).toBe(readFileSync(pathOf(job, stream), 'utf8'));
      const whole = readings.filter((reading) => !reading.ended).map((reading) => reading[stream].text);
      expect(whole.filter((text) => text.includes('\uFFFD'))).toEqual([]);
    }
    expect(readings.flatMap(({ changes }) => changes.map(({ kind }) => kind))).toEqual(['started', 'ended']);
    expect(readings.at(-1)).toMatchObject({ ended: true, more: false, view: { status: 'exited' } });
  },
);

it('the cursor of an ended job tells nothing more, and answers at once', async () => {
  await using dir = await tempDir();
  await using jobs = openJobs(dir.path, { keeper: 'here' });
  const { job } = jobs.launch({ command: ['echo x'], ...shell });
  await jobs.wait(job);
  const { cursor } = jobs.read(job, { bytesMax: 100 });
  const again = await jobs.readNext(job, { cursor, bytesMax: 100 });
  expect(again).toMatchObject({ ended: true, changes: [], cursor, stdout: { text: '', range: [2, 2], totalBytes: 2 } });
});

it('notices a restart, whatever was read before, and begins with its beginning', async () => {
  await using dir = await tempDir();
  await using jobs = openJobs(dir.path, { keeper: 'here' });
  const { job } = jobs.launch({ command: ['echo one; echo two'], ...shell });
  await jobs.wait(job);
  const former = jobs.read(job, { bytesMax: 6 });
  const fromStart = jobs.read(job, { bytesMax: 4 }).cursor;
  await jobs.restart(job);
  await jobs.wait(job);
  for (const cursor of [former.cursor, fromStart]) {
    const reading = jobs.read(job, { cursor, bytesMax: 100 });
    expect(reading).toMatchObject({ noticed: 'restarted', stdout: { text: 'one\ntwo\n' }, ended: true });
    expect(reading.changes.map(({ kind }) => kind)).toEqual(['started', 'ended']);
    expect(jobs.read(job, { cursor: reading.cursor, bytesMax: 100 }).noticed).toBeUndefined();
  }
});

it('takes a start that its launcher is about to write down for the start that it saw, not for another', async () => {
  await using dir = await tempDir();
  await using jobs = openJobs(`${dir.path}/jobs`, { keeper: 'here' });
  const { job } = jobs.launch({ command: [`echo one; until [ -e ${dir.path}/go ]; do sleep 0.02; done`], ...shell });
  const [path, next] = [pathOf(job, 'state'), `${pathOf(job, 'state')}.next`];
  const running = JSON.parse(readFileSync(path, 'utf8')) as { readonly job: object; readonly started_at_ms: number };
  const cursor = await eventually('its output', () => {
    const reading = jobs.read(job, { bytesMax: 100 });
    return reading.stdout.text === 'one\n' && reading.cursor;
  });
  // As it stands while the launcher writes the state: the record tells that it runs, and since when about.
  const { job: named, ...rest } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, object>;
  const { pid: _, identity: __, started_at_ms: ___, ...created } = rest;
  writeFileSync(path, JSON.stringify({ ...created, job: { ...named, status: 'created', started_at: undefined } }));
  writeFileSync(next, '');
  const between = jobs.read(job, { bytesMax: 100 });
  expect(between).toMatchObject({ view: { status: 'running' }, stdout: { text: 'one\n' } });
  writeFileSync(path, JSON.stringify({ ...running, started_at_ms: running.started_at_ms + 5 }));
  rmSync(next);
  const after = jobs.read(job, { cursor: between.cursor, bytesMax: 100 });
  expect([after.noticed, after.stdout.text, after.changes]).toEqual([undefined, '', []]);
  // That of another start is told.
  expect(jobs.read(job, { cursor, bytesMax: 100 }).noticed).toBe('restarted');
  writeFileSync(`${dir.path}/go`, '');
  await jobs.wait(job);
});

it('tells of a restart once while job after job is run again under a reader', async () => {
  await using dir = await tempDir();
  await using jobs = openJobs(dir.path, { keeper: 'here' });
  const { job } = jobs.launch({ command: ['echo begin; sleep 0.02; echo end'], ...shell });
  const readings: JobReading[] = [];
  const over = new AbortController();
  const reader = (async (): Promise<void> => {
    for (;;) {
      const cursor = readings.at(-1)?.cursor;
      readings.push(await jobs.readNext(job, { cursor, bytesMax: 4, signal: over.signal }));
      if (over.signal.aborted) return;
    }
  })();
  for (let run = 0; run < 8; run++) {
    await jobs.wait(job);
    await jobs.restart(job);
  }
  await jobs.wait(job);
  over.abort();
  await reader.catch(() => undefined);
  // Each run is a beginning of the same text; none is told in part twice, or mixed with another.
  const runs: string[] = [''];
  for (const { noticed, stdout } of readings) {
    if (noticed === 'restarted') runs.push('');
    runs.push(`${runs.pop()}${stdout.text}`);
  }
  for (const run of runs) expect('begin\nend\n'.startsWith(run)).toBe(true);
  expect(runs.length).toBeGreaterThan(1);
});

it('says what is not kept, and goes on behind it', async () => {
  await using dir = await tempDir();
  await using jobs = openJobs(dir.path, { keeper: 'here' });
  const { job } = jobs.launch({ command: ['seq 1 100000'], ...shell });
  await jobs.wait(job);
  const whole = readFileSync(pathOf(job, 'stdout'));
  const first = jobs.read(job, { bytesMax: 1_000 });
  await jobs.trim(job, 200_000);
  const readings = await readToEnd(jobs.root, job.id, () => 10_000, first.cursor);
  const gaps = readings.flatMap(({ stdout }) => (stdout.omitted ? [stdout.omitted] : []));
  expect(gaps).toEqual([jobs.describe(job).omitted?.stdout]);
  const [[from, to] = [0, 0]] = gaps;
  expect(first.stdout.text + textOf(readings, 'stdout')).toBe(
    whole.subarray(0, from).toString('utf8') + whole.subarray(to).toString('utf8'),
  );
});

it.each([4, 1_000_000])('readHead() and its cursor tell all that is kept, %i bytes at first', async (bytesMax) => {
  await using dir = await tempDir();
  await using jobs = openJobs(dir.path, { keeper: 'here' });
  const { job } = jobs.launch({ command: ['printf abcäöü; seq 1 100000'], ...shell });
  await jobs.trim((await jobs.wait(job)).job, 200_000);
  const view = jobs.describe(job);
  const [from = 0, to = 0] = view.omitted?.stdout ?? [];
  const head = jobs.readHead(job, view, bytesMax);
  const readings = await readToEnd(jobs.root, job.id, () => 100_000, head.cursor);
  const log = readFileSync(pathOf(job, 'stdout'));
  // The character that is cut is told again, whole.
  const shown = head.stdout.text.replace(/\uFFFD$/, '');
  expect(head.stdout.range).toEqual([0, Math.min(bytesMax, from)]);
  expect(shown + textOf(readings, 'stdout')).toBe(`${log.subarray(0, from)}${log.subarray(to)}`);
  expect(readings.flatMap(({ stdout }) => (stdout.omitted ? [stdout.omitted] : []))).toEqual([[from, to]]);
  expect(readings.flatMap(({ changes }) => changes.map(({ kind }) => kind))).toEqual(['ended']);
});

it('says that logs were shortened, and goes on at their end', async () => {
  await using dir = await tempDir();
  await using jobs = openJobs(dir.path, { keeper: 'here' });
  const { job } = jobs.launch({ command: ['echo 12345'], ...shell });
  await jobs.wait(job);
  const { cursor } = jobs.read(job, { bytesMax: 100 });
  truncateSync(pathOf(job, 'stdout'), 2);
  const shortened = jobs.read(job, { cursor, bytesMax: 100 });
  expect(shortened).toMatchObject({ noticed: 'shortened', stdout: { text: '', range: [2, 2] } });
  appendFileSync(pathOf(job, 'stdout'), 'more');
  expect(jobs.read(job, { cursor: shortened.cursor, bytesMax: 100 })).toMatchObject({
    noticed: undefined,
    stdout: { text: 'more' },
  });
});

it('begins with the last lines where it is told to, and reads on from there', async () => {
  await using dir = await tempDir();
  await using jobs = openJobs(dir.path, { keeper: 'here' });
  const { job } = jobs.launch({ command: ['seq 1 20; seq 1 3 >&2'], ...shell });
  await jobs.wait(job);
  const reading = jobs.read(job, { tailLines: 2, bytesMax: 100 });
  expect([reading.stdout.text, reading.stderr.text]).toEqual(['19\n20\n', '2\n3\n']);
  expect(jobs.read(job, { tailLines: 2, bytesMax: 100, cursor: reading.cursor }).stdout.text).toBe('');
});

it('a job that has not begun has nothing to tell; its cursor goes on when it runs', async () => {
  await using dir = await tempDir();
  await using jobs = openJobs(dir.path, { keeper: 'here' });
  const job = jobs.create({ command: ['echo x'], ...shell });
  const { cursor, changes, ended } = jobs.read(job, { bytesMax: 100 });
  expect([changes, ended]).toEqual([[], false]);
  const next = jobs.readNext(job, { cursor, bytesMax: 100 });
  jobs.start(job);
  expect((await next).noticed).toBeUndefined();
  await jobs.wait(job);
  expect(jobs.read(job, { cursor, bytesMax: 100 })).toMatchObject({ noticed: undefined, stdout: { text: 'x\n' } });
});

const given = (jobs: Jobs, job: JobDir, cursor: string) => () => jobs.read(job, { cursor, bytesMax: 10 });

it('refuses a cursor of another job, and one of a job that was deleted', async () => {
  await using dir = await tempDir();
  await using jobs = openJobs(dir.path, { keeper: 'here' });
  const [one, two] = [
    jobs.launch({ command: ['true'], ...shell }).job,
    jobs.launch({ command: ['true'], ...shell }).job,
  ];
  await Promise.all([jobs.wait(one), jobs.wait(two)]);
  const { cursor } = jobs.read(one, { bytesMax: 10 });
  expect(await code(given(jobs, two, cursor))).toBe('invalid_cursor');
  expect(await code(() => jobs.readNext(two, { cursor, bytesMax: 10, until: 'end' }))).toBe('invalid_cursor');
  rmSync(one.path, { recursive: true });
  expect(await code(given(jobs, one, cursor))).toBe('job_not_found');
});

it('waits until the end, the deadline, or an abort', async () => {
  await using dir = await tempDir();
  await using jobs = openJobs(dir.path, { keeper: 'here' });
  const { job } = jobs.launch({ command: ['echo x; sleep 60'], ...shell });
  const first = await jobs.readNext(job, { bytesMax: 100 });
  let { cursor } = first;
  while (jobs.read(job, { bytesMax: 100 }).stdout.text === '')
    ({ cursor } = await jobs.readNext(job, { cursor, bytesMax: 100 }));
  ({ cursor } = jobs.read(job, { bytesMax: 100 }));
  const late = await jobs.readNext(job, { cursor, bytesMax: 100, timeoutMs: 30 });
  expect(late).toMatchObject({ ended: false, cursor, view: { status: 'running' } });
  const aborted = AbortSignal.abort(new Error('enough'));
  await expect(jobs.readNext(job, { cursor, bytesMax: 100, signal: aborted })).rejects.toThrow('enough');
  const end = jobs.readNext(job, { bytesMax: 100, until: 'end' });
  await jobs.stop(job, { graceMs: 100 });
  expect(await end).toMatchObject({ ended: true, stdout: { text: 'x\n' } });
});

it('cursorAt() reads on at the bytes it was asked for, and tells nothing twice', async () => {
  await using dir = await tempDir();
  await using jobs = openJobs(`${dir.path}/jobs`, { keeper: 'here' });
  const { job } = jobs.launch({ command: ['printf 0123456789; printf abc >&2'], ...shell });
  await jobs.wait(job);
  const cursor = jobs.cursorAt(job, { stdout: 4, stderr: 3 });
  const reading = jobs.read(job, { cursor, bytesMax: 5 });
  expect(reading).toMatchObject({ noticed: undefined, changes: [] });
  expect([reading.stdout.text, reading.stdout.range, reading.stderr.text]).toEqual(['45678', [4, 9], '']);
});
