import { readFileSync, writeFileSync } from 'node:fs';
import { JobError, pathOf } from '@kanade/runner';
import { JobMeta, JobStateFile } from '@kanade/shared/job';
import { eventually, tempDir } from '@kanade/testkit';
import { expect, it } from 'vitest';
import { launchJob } from '../src/life/launch.ts';
import { listJobs } from '../src/life/list.ts';
import { readFacts, settle, settleFacts } from '../src/life/settle.ts';
import { readTail } from '../src/output/excerpt.ts';
import { isAlive } from '../src/process/identity.ts';
import { launchScript, runScript } from './launch.ts';

it.each([
  ['exit 0', { kind: 'exited', exitCode: 0 }, 'exited'],
  ['exit 3', { kind: 'exited', exitCode: 3 }, 'exited'],
  ['exit 143', { kind: 'exited', exitCode: 143 }, 'exited'],
  ['kill -TERM $$', { kind: 'signaled', signal: 15 }, 'killed'],
  ['kill -KILL $$', { kind: 'signaled', signal: 9 }, 'killed'],
  ['kill -SEGV $$', { kind: 'signaled', signal: 11 }, 'killed'],
  ['no-such-command-here', { kind: 'exited', exitCode: 127 }, 'exited'],
])('%s ends as %o', async (script, ending, status) => {
  await using dir = await tempDir();
  const view = await runScript(dir.path, script);
  expect(view.state?.ending).toEqual(ending);
  expect(view.status).toBe(status);
});

it('writes what the schemas of the vocabulary say', async () => {
  await using dir = await tempDir();
  const { job } = await runScript(dir.path, 'echo out; echo err >&2');
  const state = JobStateFile.parse(JSON.parse(readFileSync(pathOf(job, 'state'), 'utf8')));
  expect(state).toMatchObject({
    job: { status: 'exited' },
    result: { exit_code: 0, signal: null },
    logs_drained: true,
  });
  JobMeta.parse(JSON.parse(readFileSync(pathOf(job, 'meta'), 'utf8')));
  expect(readTail(pathOf(job, 'stdout'), 100, 0).text).toBe('out\n');
  expect(readTail(pathOf(job, 'stderr'), 100, 0).text).toBe('err\n');
  expect(readFileSync(pathOf(job, 'full'), 'utf8')).toMatch(/^\S+Z \[STDOUT\] out\n\S+Z \[STDERR\] err\n$/);
});

it('keeps every byte, binary and without a last newline', async () => {
  await using dir = await tempDir();
  const view = await runScript(dir.path, "printf '\\377\\000\\rend'");
  expect(readFileSync(pathOf(view.job, 'stdout'))).toEqual(Buffer.from([0xff, 0, 13, ...Buffer.from('end')]));
});

it('gives the input to the job', async () => {
  await using dir = await tempDir();
  const launched = launchJob(dir.path, { command: ['cat'], cwd: dir.path, stdin: Buffer.from('hello') }, process.env);
  await launched.ended;
  expect(readTail(pathOf(launched.job, 'stdout'), 100, 0).text).toBe('hello');
});

it('says why a job could not start, in the error and in its state', async () => {
  await using dir = await tempDir();
  const launch = () => launchJob(dir.path, { command: ['true'], cwd: `${dir.path}/gone` }, process.env);
  expect(launch).toThrow(JobError);
  expect(launch).toThrow(`working directory ${dir.path}/gone does not exist`);
  const { jobs } = listJobs(dir.path, { limit: 0 });
  expect(jobs.map(({ view }) => [view.status, view.state?.ending?.kind])).toEqual([
    ['failed', 'not_started'],
    ['failed', 'not_started'],
  ]);
});

it('settles the same ending however many look at once', async () => {
  await using dir = await tempDir();
  const launched = launchScript(dir.path, 'exit 7');
  await launched.ended;
  const views = await Promise.all(Array.from({ length: 20 }, async () => settle(launched.job)));
  expect(new Set(views.map((view) => JSON.stringify(view.state))).size).toBe(1);
});

it('says of an old job what lived on for who settled it first, and does not look at the processes of the machine again', async () => {
  await using dir = await tempDir();
  // It holds the logs until it has become the program.
  const { job, ended } = launchScript(
    dir.path,
    'sleep 600 >/dev/null 2>&1 & until [ "$(cat /proc/$!/comm)" = sleep ]; do :; done',
  );
  await ended;
  const { started_at_ms: startedAtMs, ...state } = JSON.parse(readFileSync(pathOf(job, 'state'), 'utf8'));
  writeFileSync(pathOf(job, 'state'), JSON.stringify({ ...state, started_at_ms: startedAtMs - 60_000 }));
  const second = readFacts(job);
  const { state: first } = settle(job);
  const [left] = first?.left_running ?? [];
  if (!left) throw new Error('nobody was seen that lives on');
  process.kill(left.pid, 'SIGKILL');
  await eventually('it has ended', () => !isAlive(left));
  expect(settleFacts(second).state).toEqual(first);
});
