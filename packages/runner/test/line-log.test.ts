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
import { settle } from '../src/life/settle.ts';
import { completeLineLog, copyLines } from '../src/output/line-log.ts';
import { launchScript } from './launch.ts';

/** A script that prints `one`, then what the steps print, each of them when its file is there. */
const stepByStep = (dir: string, ...steps: string[]): string =>
  ['echo one', ...steps.map((step, n) => `until [ -e ${dir}/go-${n} ]; do sleep 0.01; done; ${step}`)].join('; ');

const filesOf = (job: JobDir) => ({
  stdout: pathOf(job, 'stdout'),
  stderr: pathOf(job, 'stderr'),
  full: pathOf(job, 'full'),
  omitted: {},
});
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
  completeLineLog(filesOf(job), { atMs: Date.now(), last: true });
  expect(readFileSync(pathOf(job, 'full'), 'utf8')).toBe(once);
});

it('each stream shows so much and says that there is more, once', async () => {
  await using dir = await tempDir();
  await using jobs = openJobs(dir.path, { keeper: 'here' });
  const { job } = launchScript(dir.path, `yes 0123456789 | head -c 6000000; ${stepByStep(dir.path, 'echo more')}`);
  const ended = jobs.adopt(job);
  const note = `[kanade] the combined log shows the first`;
  await eventually('a first part is copied', () => statSync(pathOf(job, 'full')).size > 0);
  writeFileSync(join(dir.path, 'go-0'), '');
  await ended;
  const texts = textsOf(job);
  expect(texts.filter((line) => line.includes(note))).toEqual([texts.at(-1)]);
  expect(texts).toHaveLength(Math.ceil((4 * 1024 * 1024) / 11) + 1);
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
  expect(() => copyLines(filesOf(job), () => filesOf(job)).look()).toThrow(/ENOENT/);
  expect([size, readdirSync(job.path).includes('full.log')]).toEqual([4, false]);
  writeFileSync(join(dir.path, 'go-0'), '');
  await ended;
  expect(textsOf(job)).toEqual(['[STDOUT] one', '[STDOUT] two']);
});
