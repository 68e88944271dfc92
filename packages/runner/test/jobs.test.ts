import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type JobDefinition, type JobError, type JobsEvent, openJobs, pathOf } from '@kanade/runner';
import { eventually, tempDir } from '@kanade/testkit';
import { expect, it } from 'vitest';
import { mark } from '../src/keep/markers.ts';

const shell = { cwd: '/', shellWrapper: ['sh', '-c'] };

function watchOf(path: string, onName: (name: string) => void): Disposable {
  const watcher = watch(path, (_event, name) => onName(name ?? ''));
  return { [Symbol.dispose]: () => watcher.close() };
}

const codeOf = (act: () => unknown): unknown => {
  try {
    return act();
  } catch (error) {
    return { code: (error as JobError).code, details: (error as JobError).details };
  }
};

it('openJobs() does with a root what its functions do', async () => {
  await using dir = await tempDir();
  const events: JobsEvent[] = [];
  await using jobs = openJobs(join(dir.path, 'jobs'), {
    keeper: 'here',
    env: { PATH: process.env.PATH, FROM: 'env' },
    onEvent: (event) => events.push(event),
  });
  const launched = jobs.launch({ command: ['echo $FROM; echo two; exit 4'], ...shell, timeoutMs: 60_000 });
  expect((await jobs.wait(launched.job)).state?.ending).toEqual({ kind: 'exited', exitCode: 4 });
  expect(jobs.find(launched.job.id.slice(0, 6))).toEqual(launched.job);
  expect(jobs.readHead(launched.job, jobs.settle(launched.job), 4).stdout.text).toBe('env\n');
  expect(jobs.tail(launched.job, 'stdout', { bytesMax: 100, lines: 1 }).text).toBe('two\n');
  expect(jobs.readText(launched.job, 'stdout', { from: 4, bytesMax: 2 })).toMatchObject({ text: 'tw', totalBytes: 8 });
  expect(jobs.list().jobs.map(({ view }) => view.status)).toEqual(['exited']);

  const created = jobs.create({ command: ['sleep 60'], ...shell });
  expect(jobs.settle(created).status).toBe('created');
  await jobs.notify(created, (known) => ({ ...known, notify_file: join(dir.path, 'told') }));
  const started = jobs.start(created);
  expect(await jobs.observe(started, { timeoutMs: 1 })).toMatchObject({ why: 'deadline' });
  const { view } = await jobs.stop(created, { graceMs: 1_000 });
  expect(view.state?.ending).toMatchObject({ kind: 'killed', by: 'user' });
  await jobs.adopt(created);
  expect(new Set(events.map((event) => event.kind))).toEqual(new Set(['ended']));
  expect(existsSync(join(dir.path, 'told'))).toBe(true);

  const again = await jobs.restart(launched.job);
  await again.ended;
  expect(jobs.settle(launched.job).status).toBe('exited');
  expect(jobs.usage()).toMatchObject({ jobs: 2 });
  expect(jobs.delete(created).action).toBe('deleted');
  expect(jobs.prune({ olderThanMs: -60_000 }).deleted).toBe(1);
  expect(jobs.usage()).toEqual({ jobs: 0, bytes: 0, inodes: 0 });
});

it('refuses a job that a limit of its root has no room for, and makes it when there is room again', async () => {
  await using dir = await tempDir();
  const definition = { command: ['true'], ...shell };
  await using two = openJobs(dir.path, { keeper: 'here', limits: { jobsMax: 2 } });
  const [first] = [two.create(definition), two.create(definition)];
  expect(codeOf(() => two.create(definition))).toEqual({
    code: 'root_full',
    details: { limit: 'jobs', maximum: 2, actual: 2 },
  });
  two.delete(first);
  expect(two.create(definition).id).toMatch(/^[0-9a-f]{32}$/);

  const usage = two.usage();
  expect(
    codeOf(() => openJobs(dir.path, { keeper: 'here', limits: { bytesMax: usage.bytes } }).create(definition)),
  ).toMatchObject({
    code: 'root_full',
    details: { limit: 'bytes', maximum: usage.bytes },
  });
  expect(
    codeOf(() => openJobs(dir.path, { keeper: 'here', limits: { inodesMax: usage.inodes } }).create(definition)),
  ).toMatchObject({
    code: 'root_full',
    details: { limit: 'inodes' },
  });
});

it('lowers the log limit of a job to what its root has left', async () => {
  await using dir = await tempDir();
  await using jobs = openJobs(dir.path, { keeper: 'here', limits: { bytesMax: 200_000 } });
  const { job } = jobs.launch({ command: ['yes'], ...shell, logOverflow: 'stop', killAfterMs: 1_000 });
  expect((await jobs.wait(job)).state).toMatchObject({ ending: { kind: 'killed', by: 'shutdown' } });
});

it.each(['stdout', 'stderr'] as const)('refuses to start with a symbolic link in the place of %s', async (stream) => {
  await using dir = await tempDir();
  await using jobs = openJobs(join(dir.path, 'jobs'), { keeper: 'here' });
  const target = join(dir.path, 'target');
  writeFileSync(target, 'untouched');
  const job = jobs.create({ command: ['echo x; echo y >&2'], ...shell });
  rmSync(pathOf(job, stream));
  symlinkSync(target, pathOf(job, stream));
  expect(jobs.start(job).isRunning).toBe(false);
  expect(jobs.settle(job)).toMatchObject({ status: 'failed', state: { error: expect.stringContaining('ELOOP') } });
  expect(readFileSync(target, 'utf8')).toBe('untouched');
});

it.each(['stdout', 'stderr'] as const)('reads no %s through a symbolic link', async (stream) => {
  await using dir = await tempDir();
  await using jobs = openJobs(join(dir.path, 'jobs'), { keeper: 'here' });
  writeFileSync(join(dir.path, 'secret'), 'secret');
  const { job } = jobs.launch({ command: ['true'], ...shell });
  await jobs.wait(job);
  rmSync(pathOf(job, stream));
  symlinkSync(join(dir.path, 'secret'), pathOf(job, stream));
  expect(codeOf(() => jobs.tail(job, stream, { bytesMax: 100 }))).toMatchObject({ code: 'io_error' });
});

it('puts nothing where a link in the place of .host leads, and runs its jobs all the same', async () => {
  await using dir = await tempDir();
  const root = join(dir.path, 'jobs');
  const elsewhere = join(dir.path, 'elsewhere');
  mkdirSync(elsewhere);
  mkdirSync(root);
  symlinkSync(elsewhere, join(root, '.host'));
  await using jobs = openJobs(root, { keeper: 'here' });
  const { job } = jobs.launch({ command: ['exit 4'], ...shell });
  expect(codeOf(() => mark(root, job))).toMatchObject({ code: 'io_error' });
  expect((await jobs.wait(job)).state?.ending).toEqual({ kind: 'exited', exitCode: 4 });
  expect(jobs.list().jobs).toHaveLength(1);
  expect(readdirSync(elsewhere)).toEqual([]);
});

it('changes that come at one time are made one after the other', async () => {
  await using dir = await tempDir();
  await using jobs = openJobs(dir.path, { keeper: 'here' });
  const job = jobs.create({ command: ['true'], ...shell });
  const tags = Array.from({ length: 10 }, (_, at) => `t${at}`);
  await Promise.all(tags.map((tag) => jobs.edit(job, (known) => ({ ...known, tags: [...known.tags, tag] }))));
  expect(jobs.definition(job)?.tags.toSorted()).toEqual(tags);
});

it.runIf(process.platform === 'linux')(
  'what a job is known by is deleted last, so that who was killed can do it again',
  async () => {
    await using dir = await tempDir();
    await using jobs = openJobs(dir.path, { keeper: 'here' });
    const { job } = jobs.launch({ command: ['true'], stdin: new Uint8Array(1), ...shell });
    await jobs.wait(job);
    const files = readdirSync(job.path);
    const gone: string[] = [];
    using _watch = watchOf(job.path, (name) => files.includes(name) && gone.push(name));
    jobs.delete(job);
    const all = await eventually('all are told', () => new Set(gone).size === files.length && gone);
    expect([...new Set(all.toReversed())].slice(0, 2)).toEqual(['meta.json', 'state.json']);
  },
);

it('deletes an empty directory that a killed caller left, and no other without a definition', async () => {
  await using dir = await tempDir();
  await using jobs = openJobs(dir.path, { keeper: 'here' });
  const [ours, filled, foreign] = ['a'.repeat(32), 'b'.repeat(32), 'foreign'] as const;
  for (const id of [ours, filled, foreign]) mkdirSync(join(dir.path, id));
  writeFileSync(join(dir.path, filled, 'something'), '');
  expect(jobs.delete(jobs.find(ours))).toMatchObject({ action: 'deleted' });
  for (const id of [filled, foreign])
    expect(codeOf(() => jobs.delete(jobs.find(id)))).toMatchObject({ code: 'invalid_state' });
  expect(readdirSync(dir.path).sort()).toEqual([filled, foreign]);
});

it('collects what a killed caller left once it is old: a launch under way and what others made stay', async () => {
  await using dir = await tempDir();
  await using jobs = openJobs(dir.path, { keeper: 'here' });
  const old = ['a', 'b', 'c'].map((letter) => letter.repeat(32));
  const stay = ['d'.repeat(32), 'e'.repeat(32), 'f'.repeat(32), 'foreign'];
  for (const id of [...old, ...stay]) mkdirSync(join(dir.path, id));
  const [, justMeta = '', alsoLogs = ''] = old;
  const [young = '', filled = '', begun = ''] = stay;
  for (const id of [justMeta, alsoLogs, young, begun]) writeFileSync(join(dir.path, id, 'meta.json'), '{}');
  for (const file of ['ending', 'stdout.log', 'stderr.log']) writeFileSync(join(dir.path, alsoLogs, file), '');
  writeFileSync(join(dir.path, filled, 'something'), '');
  writeFileSync(join(dir.path, begun, 'ending'), '\npid 1\n');
  for (const id of [...old, filled, begun, 'foreign']) utimesSync(join(dir.path, id), 0, 0);
  expect(jobs.prune({ olderThanMs: 0, dryRun: true })).toMatchObject({ candidates: 3, deleted: 0 });
  expect(jobs.prune({ olderThanMs: 0 })).toMatchObject({ deleted: 3, outOfScope: 4, failed: 0 });
  expect(readdirSync(dir.path).sort()).toEqual(stay);
});

it('says so where no directory can be made', async () => {
  await using jobs = openJobs('/proc/none/jobs', { keeper: 'here' });
  expect(codeOf(() => jobs.create({ command: ['true'], ...shell }))).toMatchObject({ code: 'io_error' });
});

it('makes a root that is its owner’s alone', async () => {
  await using dir = await tempDir();
  const root = join(dir.path, 'new', 'jobs');
  openJobs(root, { keeper: 'here' }).create({ command: ['true'], ...shell });
  expect(statSync(root).mode & 0o777).toBe(0o700);
});

it.each([
  ['no command', { command: [], shellWrapper: [] }],
  ['a NUL in a word', { command: ['a\0b'] }],
  ['a NUL in the environment', { env: ['A=\0'] }],
  ['no number as time', { timeoutMs: Number.NaN }],
  ['a time before the start', { timeoutMs: -5 }],
  ['endless logs', { logBytesMax: Number.POSITIVE_INFINITY }],
])('refuses a definition with %s', async (_name, wrong) => {
  await using dir = await tempDir();
  await using jobs = openJobs(join(dir.path, 'jobs'), { keeper: 'here' });
  expect(codeOf(() => jobs.launch({ command: ['true'], ...shell, ...wrong }))).toMatchObject({ code: 'invalid_input' });
  expect(jobs.list().jobs).toEqual([]);
});

it('runs nothing as a user that it does not know', async () => {
  await using dir = await tempDir();
  await using jobs = openJobs(join(dir.path, 'jobs'), { keeper: 'here' });
  const wrong = { command: ['true'], ...shell, runAs: 'nobody' } as unknown as JobDefinition;
  const { job, isRunning } = jobs.launch(wrong);
  expect([isRunning, jobs.settle(job).state?.ending?.kind]).toEqual([false, 'not_started']);
});

it('takes a symbolic link in a root for no job, and leaves its target alone', async () => {
  await using dir = await tempDir();
  const root = join(dir.path, 'jobs');
  const elsewhere = join(dir.path, 'elsewhere');
  mkdirSync(elsewhere, { recursive: true });
  mkdirSync(root);
  await using jobs = openJobs(root, { keeper: 'here' });
  const real = jobs.create({ command: ['true'], ...shell });
  symlinkSync(real.path, join(root, 'linked'));
  symlinkSync(elsewhere, join(root, 'outside'));
  expect(codeOf(() => jobs.find('linked'))).toMatchObject({ code: 'job_not_found' });
  expect(codeOf(() => jobs.find('outside'))).toMatchObject({ code: 'job_not_found' });
  expect(codeOf(() => jobs.delete(jobs.at('outside')))).toMatchObject({ code: 'invalid_state' });
  expect(jobs.list().jobs).toHaveLength(1);
  expect([readdirSync(elsewhere), existsSync(pathOf(real, 'meta'))]).toEqual([[], true]);
});

it('refuses a combined log that is a symbolic link', async () => {
  await using dir = await tempDir();
  const target = join(dir.path, 'target');
  writeFileSync(target, 'untouched');
  symlinkSync(target, join(dir.path, 'log'));
  await using jobs = openJobs(join(dir.path, 'jobs'), { keeper: 'here' });
  const create = () => jobs.create({ command: ['true'], ...shell, fullLog: join(dir.path, 'log') });
  expect(codeOf(create)).toMatchObject({ code: 'launch_failed' });
});

it('launch() says which job it has made before anything of it runs; what is thrown there starts nothing', async () => {
  await using dir = await tempDir();
  await using jobs = openJobs(dir.path, { keeper: 'here' });
  const definition: JobDefinition = { command: ['echo ran'], ...shell };
  const seen: string[] = [];
  const launched = jobs.launch(definition, (job) => seen.push(job.id, jobs.settle(job).status));
  expect(seen).toEqual([launched.job.id, 'created']);
  expect((await jobs.wait(launched.job)).status).toBe('exited');
  let made: string | undefined;
  const refuse = (): unknown =>
    jobs.launch(definition, (job) => {
      made = job.id;
      throw new Error('no');
    });
  expect(refuse).toThrow('no');
  expect(jobs.settle(jobs.at(made ?? '')).status).toBe('created');
  expect(existsSync(pathOf(jobs.at(made ?? ''), 'record'))).toBe(false);
});

it('settling completes the combined log of a child of ours, and says so to its keeper', async () => {
  await using dir = await tempDir();
  await using jobs = openJobs(dir.path, { keeper: 'here' });
  const launched = jobs.launch({ command: ['echo one; echo two >&2; printf three'], ...shell });
  const view = await jobs.adopt(launched.job);
  expect(view).toMatchObject({ status: 'exited', isLogBehind: false });
  const lines = readFileSync(pathOf(launched.job, 'full'), 'utf8').split('\n').slice(0, -1);
  const texts = lines.map((line) => line.slice(line.indexOf('[')));
  expect(texts.sort()).toEqual(['[STDERR] two', '[STDOUT] one', '[STDOUT] three']);
});
