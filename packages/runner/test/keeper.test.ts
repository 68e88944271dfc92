import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type JobsEvent, openJobs, pathOf, runKeeper } from '@kanade/runner';
import { eventually, runtimeWords, tempDir } from '@kanade/testkit';
import { expect, it } from 'vitest';
import { ensureKeeper, liveKeeper, mark } from '../src/keep/markers.ts';
import { waitForEnd } from '../src/life/observe.ts';
import { settle } from '../src/life/settle.ts';
import { stopJob } from '../src/life/stop.ts';
import { listProcesses } from '../src/process/identity.ts';
import { jobDir } from '../src/record/root.ts';
import { launchScript } from './launch.ts';
import { programWords, startProgram } from './program.ts';

it('enforces a deadline: TERM, and KILL for what ignores it', async () => {
  await using dir = await tempDir();
  await using jobs = openJobs(dir.path, { keeper: 'here' });
  const launched = launchScript(dir.path, "trap '' TERM; sleep 60; sleep 60", { timeoutMs: 100, killAfterMs: 50 });
  expect((await jobs.adopt(launched.job)).state?.ending).toEqual({ kind: 'timed_out', signal: 9 });
});

it('stops a job whose logs outgrow their limit, and says so', async () => {
  await using dir = await tempDir();
  await using jobs = openJobs(dir.path, { keeper: 'here' });
  const { job } = jobs.launch({
    command: ['yes'],
    cwd: dir.path,
    shellWrapper: ['sh', '-c'],
    logBytesMax: 100_000,
    logOverflow: 'stop',
    killAfterMs: 1_000,
  });
  const { status, state } = await jobs.adopt(job);
  expect(status).toBe('killed');
  expect(state).toMatchObject({
    ending: { kind: 'killed', by: 'shutdown' },
    log_limit: 100_000,
    error: 'stopped: its logs had grown beyond the limit of 100000 bytes',
  });
  expect(statSync(pathOf(job, 'stdout')).size).toBeGreaterThan(100_000);
});

it('keeps the first and the last part of logs that outgrow their limit, while their writer goes on', async () => {
  await using dir = await tempDir();
  await using jobs = openJobs(dir.path, { keeper: 'here' });
  const logBytesMax = 2 ** 20;
  // Numbered lines of 100 bytes, 20 MB of them, then the writer waits until it may end.
  const script = `awk 'BEGIN { for (n = 0; n < 200000; n++) printf "%099d\\n", n }'; echo last >&2; until [ -e ${dir.path}/go ]; do sleep 0.02; done`;
  const { job } = jobs.launch({ command: [script], cwd: dir.path, shellWrapper: ['sh', '-c'], logBytesMax });
  const ended = jobs.adopt(job);
  await eventually('all is printed', () => statSync(pathOf(job, 'stderr')).size > 0);
  const onDisk = () => statSync(pathOf(job, 'stdout')).blocks * 512;
  await eventually('the log is below its limit', () => onDisk() < logBytesMax);
  writeFileSync(join(dir.path, 'go'), '');
  const { state } = await ended;
  expect(state?.ending).toEqual({ kind: 'exited', exitCode: 0 });
  const [from, to] = state?.log_omitted?.stdout ?? [0, 0];
  const log = readFileSync(pathOf(job, 'stdout'));
  expect(log.length).toBe(20_000_000);
  const line = (number: number) => `${String(number).padStart(99, '0')}\n`;
  expect(log.toString('latin1', 0, 1000)).toBe(Array.from({ length: 10 }, (_, number) => line(number)).join(''));
  expect(log.toString('latin1', log.length - 1000)).toBe(
    Array.from({ length: 10 }, (_, number) => line(199_990 + number)).join(''),
  );
  expect([from > logBytesMax / 10, log.length - to > logBytesMax / 5]).toEqual([true, true]);
  expect(log.subarray(from, to).every((byte) => byte === 0)).toBe(true);
  expect([log[from - 1] === 0, log[to] === 0]).toEqual([false, false]);
});

it('trims what a job printed after the last look, too', async () => {
  await using dir = await tempDir();
  await using jobs = openJobs(dir.path, { keeper: 'here' });
  const command = ['yes | head -c 50000000'];
  const definition = { command, cwd: dir.path, shellWrapper: ['sh', '-c'], logBytesMax: 2 ** 20 };
  const { job } = jobs.launch(definition);
  const { state } = await jobs.adopt(job);
  expect(statSync(pathOf(job, 'stdout')).size).toBe(50_000_000);
  expect(statSync(pathOf(job, 'stdout')).blocks * 512).toBeLessThan(2 ** 20);
  expect(settle(job).state).toEqual(state);
  expect(state?.log_omitted?.stdout?.[1]).toBeGreaterThan(49_000_000);
});

it('leaves a job below the limit of its logs alone', async () => {
  await using dir = await tempDir();
  await using jobs = openJobs(dir.path, { keeper: 'here' });
  const { job } = jobs.launch({ command: ['echo', 'x'], cwd: dir.path, logBytesMax: 2 });
  expect((await jobs.adopt(job)).state).toMatchObject({ ending: { kind: 'exited', exitCode: 0 } });
});

it('reports the ending of what it launched, once', async () => {
  await using dir = await tempDir();
  const events: JobsEvent[] = [];
  await using jobs = openJobs(dir.path, { keeper: 'here', onEvent: (event) => events.push(event) });
  const { job } = jobs.launch({ command: ['exit 6'], cwd: dir.path, shellWrapper: ['sh', '-c'] });
  await jobs.adopt(job);
  expect(events.map((event) => event.kind === 'ended' && event.view.state?.ending)).toEqual([
    { kind: 'exited', exitCode: 6 },
  ]);
});

it('the deadline of a job holds though its launcher and a first host were killed', async () => {
  await using dir = await tempDir();
  const id = await startProgram('launch-and-die', [dir.path, 'sleep 60', '700']).output;
  mark(dir.path, jobDir(dir.path, id));
  const first = startProgram('keeper', [dir.path]);
  await eventually('the first host serves', () => liveKeeper(dir.path));
  first.child.kill('SIGKILL');
  await first.output;
  const second = startProgram('keeper', [dir.path, '100']);
  expect((await waitForEnd(jobDir(dir.path, id))).state?.ending).toMatchObject({ kind: 'timed_out' });
  expect(await second.output).toBe('idle');
  expect(liveKeeper(dir.path)).toBeUndefined();
});

it('serves a root only once at a time', async () => {
  await using dir = await tempDir();
  const first = startProgram('keeper', [dir.path]);
  const own = await eventually('the first host serves', () => liveKeeper(dir.path));
  const others = await Promise.all([1, 2, 3].map(() => startProgram('keeper', [dir.path, '50']).output));
  expect(others).toEqual(['busy', 'busy', 'busy']);
  expect(JSON.parse(readFileSync(join(dir.path, '.host/host.json'), 'utf8')).pid).toBe(own.pid);
  first.child.kill('SIGTERM');
  expect(await first.output).toBe('stopped');
});

it('leaves its jobs running when it is stopped', async () => {
  await using dir = await tempDir();
  const launched = launchScript(dir.path, 'sleep 60');
  mark(dir.path, launched.job);
  const stop = new AbortController();
  const serving = runKeeper({ root: dir.path, signal: stop.signal });
  stop.abort();
  expect(await serving).toBe('stopped');
  const view = await waitForEnd(launched.job, { timeoutMs: 0 });
  expect(view.status).toBe('running');
  process.kill(-(view.state?.pid ?? 0), 'SIGKILL');
  expect(readFileSync(pathOf(launched.job, 'stdout'), 'utf8')).toBe('');
});

it('a link that comes in the place of its directory leads it nowhere: what it does there goes on where it was', async () => {
  await using dir = await tempDir();
  const root = join(dir.path, 'root');
  const victim = join(dir.path, 'victim');
  mkdirSync(join(victim, 'jobs'), { recursive: true });
  for (const name of ['marker', 'jobs/marker', 'host.json']) writeFileSync(join(victim, name), 'precious');
  const launched = launchScript(root, 'exec sleep 60');
  mark(root, launched.job);
  const keeper = startProgram('keeper', [root, '50']);
  await eventually('it serves', () => liveKeeper(root));
  renameSync(join(root, '.host'), join(root, 'moved'));
  symlinkSync(victim, join(root, '.host'));
  await stopJob(launched.job, { by: 'user', graceMs: 500 });
  expect(await keeper.output).toBe('idle');
  expect([readdirSync(victim).sort(), readdirSync(join(victim, 'jobs'))]).toEqual([
    ['host.json', 'jobs', 'marker'],
    ['marker'],
  ]);
  expect(readdirSync(join(root, 'moved/jobs'))).toEqual([]);
});

it.each(['node', 'bun'] as const)('leaves when its root is deleted, on %s', async (runtime) => {
  await using dir = await tempDir();
  const root = join(dir.path, 'root');
  mkdirSync(root);
  const keeper = startProgram('keeper', [root, '1000'], [], runtimeWords(runtime));
  // One that was held up has left by itself meanwhile.
  await eventually('it serves', () => liveKeeper(root) ?? keeper.child.exitCode !== null);
  rmSync(root, { recursive: true });
  expect(await keeper.output).toBe('idle');
});

it('a race of fifty starts makes one host, and one that was killed leaves nothing in the way', async () => {
  await using dir = await tempDir();
  const launched = launchScript(dir.path, 'exec sleep 60');
  mark(dir.path, launched.job);
  const programs = Array.from({ length: 50 }, () => startProgram('keeper', [dir.path, '100'], [], runtimeWords('bun')));
  const left = new Map<number, string>();
  for (const { child, output } of programs) output.then((why) => left.set(child.pid ?? 0, why));
  await eventually('all but one have left', () => left.size === 49);
  expect([...left.values()].filter((why) => why !== 'busy')).toEqual([]);
  const winner = programs.find(({ child }) => !left.has(child.pid ?? 0));
  expect(liveKeeper(dir.path)?.pid).toBe(winner?.child.pid);
  winner?.child.kill('SIGKILL');
  await winner?.output;
  expect(liveKeeper(dir.path)).toBeUndefined();
  const next = startProgram('keeper', [dir.path, '100']);
  await eventually('the next one serves', () => liveKeeper(dir.path)?.pid === next.child.pid);
  await stopJob(launched.job, { by: 'user', graceMs: 500 });
  expect(await next.output).toBe('idle');
  expect(liveKeeper(dir.path)).toBeUndefined();
});

it('ensureKeeper() fifty times at once starts one that serves, and leaves no zombie of the others', async () => {
  await using dir = await tempDir();
  const launched = launchScript(dir.path, 'exec sleep 60');
  mark(dir.path, launched.job);
  const words = programWords('keeper', [dir.path, '100'], runtimeWords('bun'));
  for (let call = 0; call < 50; call++) ensureKeeper(dir.path, words);
  const host = await eventually('a host serves', () => liveKeeper(dir.path));
  const shim = settle(launched.job).state?.pid ?? 0;
  const ours = () =>
    listProcesses().filter(({ parent, pid }) => parent === process.pid && ![host.pid, shim].includes(pid));
  await eventually('the others have left and were collected', () => ours().length === 0);
  expect(liveKeeper(dir.path)).toEqual(host);
  await stopJob(launched.job, { by: 'user', graceMs: 500 });
  await eventually('the host has left', () => liveKeeper(dir.path) === undefined);
});

it('trims the logs of an ended job to what its owner needs of them, also once more', async () => {
  await using dir = await tempDir();
  await using jobs = openJobs(dir.path, { keeper: 'here' });
  const command = ['yes | head -c 8000000'];
  const { job } = jobs.launch({ command, cwd: dir.path, shellWrapper: ['sh', '-c'], fullLog: false });
  await jobs.adopt(job);
  const onDisk = () => statSync(pathOf(job, 'stdout')).blocks * 512;
  for (const bytesMax of [2 ** 22, 2 ** 20]) {
    await jobs.trim(job, bytesMax);
    expect(onDisk()).toBeLessThan(bytesMax / 2);
    const [from, to] = settle(job).state?.log_omitted?.stdout ?? [0, 0];
    expect([from >= bytesMax / 8, 8_000_000 - to >= bytesMax / 4]).toEqual([true, true]);
  }
  expect(jobs.readText(job, 'stdout', { from: 7_999_998, bytesMax: 10 }).text).toBe('y\n');
});
