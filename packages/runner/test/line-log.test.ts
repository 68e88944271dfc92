import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type JobDir, openJobs, pathOf } from '@kanade/runner';
import { eventually, tempDir } from '@kanade/testkit';
import { expect, it } from 'vitest';
import { launchJob } from '../src/life/launch.ts';
import { lineLogOf, settle } from '../src/life/settle.ts';
import { createLineLog } from '../src/output/line-log.ts';
import { launchScript } from './launch.ts';
import { programWords } from './program.ts';

/** A script that prints `one`, then what the steps print, each of them when its file is there. */
const stepByStep = (dir: string, ...steps: string[]): string =>
  ['echo one', ...steps.map((step, n) => `until [ -e ${dir}/go-${n} ]; do sleep 0.01; done; ${step}`)].join('; ');

const filesOf = (job: JobDir) => lineLogOf({ job, meta: undefined, omitted: undefined });
const logOf = (job: JobDir) => createLineLog(filesOf(job), () => filesOf(job));
const linesOf = (job: JobDir): string[] => readFileSync(pathOf(job, 'full'), 'utf8').trimEnd().split('\n');
const textsOf = (job: JobDir): string[] => linesOf(job).map((line) => line.replace(/^\S+Z /, ''));

it('the combined log of a running job shows lines in the order in which they came', async () => {
  await using dir = await tempDir();
  await using jobs = openJobs(dir.path, { keeper: 'here' });
  const { job } = launchScript(dir.path, stepByStep(dir.path, 'echo two >&2', 'echo three', 'printf four'));
  const ended = jobs.adopt(job);
  const expected = ['[STDOUT] one', '[STDERR] two', '[STDOUT] three', '[STDOUT] four'];
  for (const step of [0, 1, 2]) {
    await eventually(`line ${step}`, () => textsOf(job).length === step + 1 && statSync(pathOf(job, 'full')).size > 0);
    expect(textsOf(job)).toEqual(expected.slice(0, step + 1));
    writeFileSync(join(dir.path, `go-${step}`), '');
  }
  await ended;
  expect(textsOf(job)).toEqual(expected);
  for (const line of linesOf(job)) expect(line).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ \[STD(OUT|ERR)\] \w+$/);
});

it('the next host and the settler go on where the last host stopped, behind the half line of its death', async () => {
  await using dir = await tempDir();
  const { job } = launchScript(dir.path, stepByStep(dir.path, 'echo two >&2', 'echo three'));
  {
    await using jobs = openJobs(dir.path, { keeper: 'here' });
    jobs.adopt(job).catch(() => undefined); // the host closes before the job ends
    await eventually('the first line', () => readFileSync(pathOf(job, 'full'), 'utf8').endsWith('one\n'));
  }
  appendFileSync(pathOf(job, 'full'), '2026-01-01T00:00:00Z [STDOUT] thr');
  writeFileSync(join(dir.path, 'go-0'), '');
  {
    await using jobs = openJobs(dir.path, { keeper: 'here' });
    jobs.adopt(job).catch(() => undefined);
    await eventually('the second line', () => readFileSync(pathOf(job, 'full'), 'utf8').includes('two\n'));
  }
  writeFileSync(join(dir.path, 'go-1'), '');
  await eventually('its end', () => settle(job).status === 'exited');
  expect(textsOf(job)).toEqual(['[STDOUT] one', '[STDERR] two', '[STDOUT] three']);
});

it('completing it twice changes nothing', async () => {
  await using dir = await tempDir();
  const launched = launchScript(dir.path, 'echo out; printf "%070000d" 1 >&2; echo; printf "\\377 no newline"');
  await launched.ended;
  const { job } = settle(launched.job);
  const once = readFileSync(pathOf(job, 'full'), 'utf8');
  expect(once).toMatch(/^\S+Z \[STDOUT\] out\n\S+Z \[STDOUT\] \n\S+Z \[STDOUT\] \uFFFD no newline\n\S+Z \[STDERR\] 0/);
  expect(once.split('\n')).toHaveLength(6);
  logOf(job).look({ atMs: Date.now(), last: true, bytesMax: 1e6 });
  expect(readFileSync(pathOf(job, 'full'), 'utf8')).toBe(once);
});

it('shows each stream up to the limit of the logs and says that there is more, once', async () => {
  await using dir = await tempDir();
  await using jobs = openJobs(dir.path, { keeper: 'here' });
  const command = [`yes 0123456789 | head -c 600000; ${stepByStep(dir.path, 'echo more')}`];
  const { job } = jobs.launch({ command, cwd: dir.path, shellWrapper: ['sh', '-c'], logBytesMax: 110_000 });
  const ended = jobs.adopt(job);
  await eventually('a first part is copied', () => statSync(pathOf(job, 'full')).size > 0);
  writeFileSync(join(dir.path, 'go-0'), '');
  await ended;
  const texts = textsOf(job);
  expect(texts.filter((line) => line.includes('[kanade] the combined log shows the first'))).toEqual([texts.at(-1)]);
  expect(texts.length).toBeLessThanOrEqual(10_001);
});

it('is not cut at 4 MiB, and whoever goes on with it need not count from its beginning', async () => {
  await using dir = await tempDir();
  await using jobs = openJobs(dir.path, { keeper: 'here' });
  const line = '0123456789'.repeat(9);
  const command = [`yes ${line} | head -n 100000; echo end >&2`];
  const { job } = jobs.launch({ command, cwd: dir.path, shellWrapper: ['sh', '-c'] });
  await jobs.adopt(job);
  const texts = textsOf(job);
  expect([texts.length, texts.filter((text) => text === `[STDOUT] ${line}`).length]).toEqual([100_001, 100_000]);
  expect(texts).toContain('[STDERR] end');
  expect(readFileSync(pathOf(job, 'fullOffsets'), 'latin1')).toMatch(/^\d+ \d+ \d+$/);
});

it.each(['process', 'here'] as const)(
  'lines of two streams that come one after the other stand in their order (keeper: %s)',
  async (keeper) => {
    await using dir = await tempDir();
    await using jobs = openJobs(dir.path, { keeper, keeperWords: programWords('keeper', [dir.path, '100']) });
    // What comes within one look has no order: each line waits until the one before it was copied.
    const copied = `copied() { until grep -qs " $1" ${dir.path}/*/full.log; do sleep 0.01; done; }`;
    const lines = 'for n in 1 2 3 4; do echo out-$n; copied out-$n; echo err-$n >&2; copied err-$n; done';
    const script = `${copied}; ${lines}`;
    const launched = jobs.launch({ command: [script], cwd: dir.path, shellWrapper: ['sh', '-c'] });
    await jobs.observe(launched);
    const expected = [1, 2, 3, 4].flatMap((n) => [`[STDOUT] out-${n}`, `[STDERR] err-${n}`]);
    expect(textsOf(launched.job)).toEqual(expected);
  },
);

it('lines that come after the root process arrive, within their 2 s', async () => {
  await using dir = await tempDir();
  await using jobs = openJobs(dir.path, { keeper: 'here' });
  const command = ['echo first; (sleep 0.3; echo late) &'];
  const { job } = jobs.launch({ command, cwd: dir.path, shellWrapper: ['sh', '-c'] });
  await jobs.wait(job);
  expect(textsOf(job)).toEqual(['[STDOUT] first', '[STDOUT] late']);
});

it('a combined log elsewhere grows too', async () => {
  await using dir = await tempDir();
  await using jobs = openJobs(dir.path, { keeper: 'here' });
  const fullLog = join(dir.path, 'made', 'combined.log');
  const command = [stepByStep(dir.path, 'echo two')];
  const { job } = jobs.launch({ command, cwd: dir.path, shellWrapper: ['sh', '-c'], fullLog });
  const ended = jobs.adopt(job);
  await eventually('the first line', () => readFileSync(fullLog, 'utf8').endsWith('[STDOUT] one\n'));
  writeFileSync(join(dir.path, 'go-0'), '');
  await ended;
  expect(readFileSync(fullLog, 'utf8')).toMatch(/one\n\S+Z \[STDOUT\] two\n$/);
  expect(statSync(pathOf(job, 'full')).size).toBe(0);
});

it.each([
  ['a link', (path: string, target: string) => symlinkSync(target, path)],
  ['a directory', (path: string) => mkdirSync(path)],
])('%s in its place is refused, and the ending is known all the same', async (_name, plant) => {
  await using dir = await tempDir();
  const target = join(dir.path, 'precious');
  writeFileSync(target, 'precious');
  const launched = launchJob(
    dir.path,
    { command: ['echo out'], cwd: dir.path, shellWrapper: ['sh', '-c'] },
    process.env,
  );
  rmSync(pathOf(launched.job, 'full'));
  plant(pathOf(launched.job, 'full'), target);
  await launched.ended;
  expect(settle(launched.job)).toMatchObject({ status: 'exited', state: { result: { exit_code: 0 } } });
  expect(readFileSync(target, 'utf8')).toBe('precious');
});

it('a launch that was cut off gets its combined log behind its state', async () => {
  await using dir = await tempDir();
  const { job, ended } = launchScript(dir.path, 'echo out');
  await ended;
  for (const file of ['state', 'full'] as const) rmSync(pathOf(job, file));
  expect(settle(job)).toMatchObject({ status: 'exited' });
  expect(textsOf(job)).toEqual(['[STDOUT] out']);
});

it('a host makes no combined log of its own: without a state it would count as damage', async () => {
  await using dir = await tempDir();
  await using jobs = openJobs(dir.path, { keeper: 'here' });
  const { job } = launchScript(dir.path, stepByStep(dir.path, 'echo two'));
  rmSync(pathOf(job, 'full'));
  const ended = jobs.adopt(job);
  const { size } = await eventually('it has printed', () => {
    const stat = statSync(pathOf(job, 'stdout'));
    return stat.size > 0 && stat;
  });
  expect(() => logOf(job).look({ atMs: 0, last: false, bytesMax: 1e6 })).toThrow(/ENOENT/);
  expect([size, readdirSync(job.path).includes('full.log')]).toEqual([4, false]);
  writeFileSync(join(dir.path, 'go-0'), '');
  await ended;
  expect(textsOf(job)).toEqual(['[STDOUT] one', '[STDOUT] two']);
});

it('a combined log that is long is completed although somebody who does not care saw the ending first', async () => {
  await using dir = await tempDir();
  await using jobs = openJobs(dir.path, { keeper: 'here' });
  const { job, ended } = launchScript(dir.path, `yes ${'x'.repeat(99)} | head -n 60000`);
  await ended;
  settle(job);
  expect(linesOf(job).length).toBeLessThan(60_000);
  jobs.settle(job);
  await eventually('all lines are there', () => linesOf(job).length === 60_000);
});

it.each(['here', 'process'] as const)('nothing is copied for who reads no combined log, keeper %s', async (keeper) => {
  await using dir = await tempDir();
  await using jobs = openJobs(dir.path, { keeper, keeperWords: ['true'] });
  const command = ['echo one; sleep 0.1; echo two'];
  const { job, release } = jobs.launch({ command, cwd: dir.path, shellWrapper: ['sh', '-c'], fullLog: false });
  const view = keeper === 'here' ? await jobs.adopt(job) : await jobs.wait(job);
  release();
  expect([view.status, statSync(pathOf(job, 'stdout')).size, statSync(pathOf(job, 'full')).size]).toEqual([
    'exited',
    8,
    0,
  ]);
});
