/** Job directories of the ancestor: `running` there is a pid and nothing else, and its supervisor writes the record. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { type JobDir, parseSignal, pathOf } from '@kanade/runner';
import { identify, isAlive } from '@kanade/runner/process';
import { eventually, tempDir } from '@kanade/testkit';
import { expect, it, onTestFinished } from 'vitest';
import { deleteJob, deleteJobsOf, pruneJobs } from '../src/keep/prune.ts';
import { startJob } from '../src/life/launch.ts';
import { listJobs } from '../src/life/list.ts';
import { waitForEnd } from '../src/life/observe.ts';
import { restartJob } from '../src/life/restart.ts';
import { settle } from '../src/life/settle.ts';
import { stopJob } from '../src/life/stop.ts';
import { findJob } from '../src/record/root.ts';

const ulid = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
const noResult = { exit_code: null, signal: null, duration_ms: null };

/** A directory as the ancestor writes it: no `identity`, no `ending`, no record of a shim. */
function ancestorJob(root: string, state: Record<string, unknown>, id = ulid): JobDir {
  const job = { id, path: `${root}/${id}` };
  mkdirSync(job.path);
  const at = '2024-05-01T10:00:00Z';
  const meta = {
    job: { id },
    schema_version: '0.1',
    command: ['sleep 60'],
    created_at: at,
    root,
    env_keys: [],
    cwd: root,
  };
  writeFileSync(pathOf(job, 'meta'), JSON.stringify(meta));
  for (const file of ['stdout', 'stderr', 'full'] as const) writeFileSync(pathOf(job, file), '');
  writeFileSync(`${job.path}/supervisor.ack`, '');
  writeState(job, state);
  return job;
}

function writeState(job: JobDir, { status = 'running', ...more }: Record<string, unknown>): void {
  const at = '2024-05-01T10:00:00Z';
  const base = { job: { id: job.id, status, started_at: at }, result: noResult, updated_at: at, logs_drained: true };
  writeFileSync(pathOf(job, 'state'), JSON.stringify({ ...base, ...more }));
}

/** A workload that leads its group, as the ancestor starts it, or that lives in ours; up when its `setup` is done. Killed with the test. */
async function workload(
  script: string,
  { leads = true, setup = ':' } = {},
): Promise<{ child: ChildProcess; pid: number }> {
  const child = spawn('sh', ['-c', `${setup}; echo up; ${script}`], {
    detached: leads,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return { child, pid: child.pid ?? 0 };
}

const goneAfter = async (script: string): Promise<number> => {
  const { child, pid } = await workload(script);
  if (child.exitCode === null) await once(child, 'exit');
  return pid;
};

it('a running job with a live pid is running, and nothing touches it', async () => {
  await using dir = await tempDir();
  const { pid } = await workload('exec sleep 60');
  const job = ancestorJob(dir.path, { pid });
  const before = readFileSync(pathOf(job, 'state'), 'utf8');
  expect(settle(findJob(dir.path, '01ARZ')).status).toBe('running');
  expect(listJobs(dir.path, { limit: 0 }).jobs.map(({ view }) => view.status)).toEqual(['running']);
  expect(() => deleteJob(job, { dryRun: false })).toThrow('is running');
  expect(deleteJobsOf(dir.path, dir.path, { dryRun: false }).jobs).toMatchObject([{ reason: 'running' }]);
  expect(pruneJobs(dir.path, { olderThanMs: 0, dryRun: false, nowMs: Date.now() })).toMatchObject({ deleted: 0 });
  await expect(stopJob(job, { by: 'timeout' })).rejects.toThrow('no process identity');
  expect(readFileSync(pathOf(job, 'state'), 'utf8')).toBe(before);
  expect(identify(pid)).toBeDefined();
});

it.each([
  ['dead', () => goneAfter('exit 0')],
  ['absent', () => undefined],
])('a running job whose pid is %s is unknown, is not collected, and may be deleted by name', async (_name, pidOf) => {
  await using dir = await tempDir();
  const pid = await pidOf();
  const job = ancestorJob(dir.path, pid === undefined ? {} : { pid });
  const before = readFileSync(pathOf(job, 'state'), 'utf8');
  expect((await waitForEnd(job)).status).toBe('unknown');
  expect(listJobs(dir.path, { limit: 0, state: 'unknown' }).jobs).toHaveLength(1);
  expect(pruneJobs(dir.path, { olderThanMs: 0, dryRun: false, nowMs: Date.now() })).toMatchObject({ deleted: 0 });
  await expect(stopJob(job, { by: 'user' })).rejects.toThrow('it is unknown');
  expect(readFileSync(pathOf(job, 'state'), 'utf8')).toBe(before);
  expect(deleteJob(job, { dryRun: false })).toMatchObject({ state: 'unknown', action: 'deleted' });
  expect(existsSync(job.path)).toBe(false);
});

it('an explicit kill takes the group that the process leads', async () => {
  await using dir = await tempDir();
  const { pid } = await workload('wait; sleep 60', { setup: "trap '' TERM; sleep 60 >&2 & :" });
  const leader = identify(pid);
  const job = ancestorJob(dir.path, { pid });
  const before = readFileSync(pathOf(job, 'state'), 'utf8');
  const { view, report } = await stopJob(job, { by: 'user', graceMs: 100 });
  expect(report).toMatchObject({ mechanism: 'process-group', survivors: [] });
  expect(report?.members).toContain(pid);
  expect(report?.members.length).toBeGreaterThanOrEqual(2);
  expect(leader && isAlive(leader)).toBe(false);
  expect(view.status).toBe('unknown'); // no supervisor is there to say how it ended
  expect(readFileSync(pathOf(job, 'state'), 'utf8')).toBe(before);
});

it('an explicit kill takes the process alone when it leads no group', async () => {
  await using dir = await tempDir();
  const { child, pid } = await workload('exec sleep 60', { leads: false });
  const { report } = await stopJob(ancestorJob(dir.path, { pid }), { by: 'user', graceMs: 2_000 });
  expect(report).toMatchObject({ mechanism: 'process', members: [pid], survivors: [] });
  expect([child.signalCode ?? (await once(child, 'exit'))[1], identify(process.pid)?.pid]).toEqual([
    'SIGTERM',
    process.pid,
  ]);
});

it('a kill with the last word of the supervisor reports what it wrote', async () => {
  await using dir = await tempDir();
  const { child, pid } = await workload('exec sleep 60');
  const job = ancestorJob(dir.path, { pid });
  child.once('exit', () => {
    writeState(job, { status: 'killed', pid, result: { ...noResult, signal: '15' }, logs_drained: false });
    writeState(job, { status: 'killed', pid, result: { ...noResult, signal: '15' }, logs_drained: true });
  });
  const { view } = await stopJob(job, { by: 'user', graceMs: 2_000 });
  expect(view).toMatchObject({ status: 'killed', state: { result: { signal: '15' }, logs_drained: true } });
});

it('only one signal is only one signal', async () => {
  await using dir = await tempDir();
  const { pid } = await workload('while :; do sleep 0.05; done', { setup: `trap 'touch ${dir.path}/seen' USR1` });
  const usr1 = parseSignal('USR1');
  const job = ancestorJob(dir.path, { pid });
  await stopJob(job, { by: 'user', only: true, graceMs: 0, ...(usr1 ? { signal: usr1 } : {}) });
  await eventually('the trap has run', () => existsSync(`${dir.path}/seen`));
  expect(settle(job).status).toBe('running');
  await stopJob(job, { by: 'user', graceMs: 0 });
});

it('never signals a process that started after the record was written', async () => {
  await using dir = await tempDir();
  const { pid } = await workload('exec sleep 60');
  const job = ancestorJob(dir.path, { pid });
  const longAgo = new Date(Date.now() - 60_000);
  utimesSync(pathOf(job, 'state'), longAgo, longAgo);
  await expect(stopJob(job, { by: 'user', graceMs: 0 })).rejects.toThrow('started after');
  expect(identify(pid)).toBeDefined();
});

it.each([0, 1, -1, process.pid])('never signals pid %i', async (pid) => {
  await using dir = await tempDir();
  const job = ancestorJob(dir.path, { pid });
  await expect(stopJob(job, { by: 'user', graceMs: 0 })).rejects.toThrow('cannot be stopped');
});

it.runIf(process.platform === 'linux')('never signals a thread, whose process would get it', async () => {
  await using dir = await tempDir();
  const thread = readdirSync('/proc/self/task')
    .map(Number)
    .find((id) => id !== process.pid);
  const job = ancestorJob(dir.path, { pid: thread });
  await expect(stopJob(job, { by: 'user', graceMs: 0 })).rejects.toThrow('cannot be stopped');
});

it('does not wait for ever for a supervisor that died before it had drained the logs', async () => {
  await using dir = await tempDir();
  const job = ancestorJob(dir.path, { status: 'exited', pid: await goneAfter('exit 0'), logs_drained: false });
  const written = { ...noResult, exit_code: 0 };
  writeState(job, { status: 'exited', result: written, logs_drained: false });
  expect(await waitForEnd(job)).toMatchObject({ status: 'exited', state: { logs_drained: false } });
  const past = new Date(Date.now() - 10_000);
  utimesSync(pathOf(job, 'state'), past, past);
  expect(await waitForEnd(job)).toMatchObject({ status: 'exited' });
});

it('restarts as one of ours', async () => {
  await using dir = await tempDir();
  const { pid } = await workload('exec sleep 60');
  const job = ancestorJob(dir.path, { pid });
  const meta = JSON.parse(readFileSync(pathOf(job, 'meta'), 'utf8'));
  writeFileSync(pathOf(job, 'meta'), JSON.stringify({ ...meta, command: ['exit 4'], shell_wrapper: ['sh', '-c'] }));
  await (await restartJob(job, { stop: { by: 'user', graceMs: 500 }, begin: () => startJob(job, process.env) })).ended;
  expect(settle(job).state?.ending).toEqual({ kind: 'exited', exitCode: 4 });
  expect(existsSync(`${job.path}/supervisor.ack`)).toBe(false);
});
