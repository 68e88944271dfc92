import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { type JobDir, type NotificationConfig, openJobs, pathOf } from '@kanade/runner';
import { tempDir } from '@kanade/testkit';
import { expect, it } from 'vitest';
import { createJob, startJob } from '../src/life/launch.ts';

const lines = (path: string): Record<string, unknown>[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
const json = (path: string): Record<string, unknown> =>
  JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;

/** A job with sinks, run to its end under a host. */
async function runNotified(root: string, script: string, notification: NotificationConfig): Promise<JobDir> {
  await using jobs = openJobs(root, { keeper: 'here' });
  const { job } = createJob(root, { command: [script], cwd: root, shellWrapper: ['sh', '-c'], notification });
  startJob(job, process.env).release();
  await jobs.adopt(job);
  return job;
}

it('tells command and file that a job has ended, and records what became of it', async () => {
  await using dir = await tempDir();
  const job = await runNotified(dir.path, 'exit 3', {
    notify_command: 'cat > told; echo "$AGENT_EXEC_EVENT_TYPE $AGENT_EXEC_JOB_ID" > env',
    notify_file: `${dir.path}/deep/events.ndjson`,
  });
  const event = { event_type: 'job.finished', job_id: job.id, state: 'exited', exit_code: 3, command: ['exit 3'] };
  expect(json(`${dir.path}/told`)).toMatchObject(event);
  expect(readFileSync(`${dir.path}/env`, 'utf8')).toBe(`job.finished ${job.id}\n`);
  expect(lines(`${dir.path}/deep/events.ndjson`)).toMatchObject([event]);
  expect(json(pathOf(job, 'completion'))).toMatchObject({
    ...event,
    delivery_results: [
      { sink_type: 'command', success: true },
      { sink_type: 'file', success: true },
    ],
  });
});

it('a sink that fails is recorded and changes nothing', async () => {
  await using dir = await tempDir();
  writeFileSync(`${dir.path}/file`, '');
  const job = await runNotified(dir.path, 'exit 0', {
    notify_command: 'exit 7',
    notify_file: `${dir.path}/file/below`,
  });
  expect(json(pathOf(job, 'completion'))).toMatchObject({
    state: 'exited',
    delivery_results: [
      { success: false, error: 'exited with status 7' },
      { success: false, error: expect.stringMatching(/^create parent dir: /) },
    ],
  });
});

it('a file sink that cannot be opened says so', async () => {
  await using dir = await tempDir();
  const job = await runNotified(dir.path, 'exit 0', { notify_file: dir.path });
  expect(json(pathOf(job, 'completion'))).toMatchObject({
    delivery_results: [{ success: false, error: expect.stringMatching(/^open error: /) }],
  });
});

it('tells once, whoever looks later', async () => {
  await using dir = await tempDir();
  const job = await runNotified(dir.path, 'true', { notify_file: `${dir.path}/events` });
  await using jobs = openJobs(dir.path, { keeper: 'here' });
  await jobs.adopt(job);
  expect(lines(`${dir.path}/events`)).toHaveLength(1);
});

it('tells about every matching line, the unfinished last one too, in order', async () => {
  await using dir = await tempDir();
  const job = await runNotified(dir.path, 'echo one error; echo fine; echo two error; printf "last error"', {
    on_output_match: { pattern: 'error', match_type: 'contains', stream: 'either', file: `${dir.path}/matches` },
  });
  expect(lines(`${dir.path}/matches`).map(({ line }) => line)).toEqual(['one error', 'two error', 'last error']);
  expect(lines(pathOf(job, 'matches'))).toMatchObject([{ delivery_results: [{ success: true }] }, {}, {}]);
  expect(existsSync(pathOf(job, 'completion'))).toBe(false);
});

it('progress bars and binary output without a newline are read in bounded pieces', async () => {
  await using dir = await tempDir();
  const script = 'head -c 300000 /dev/zero | tr "\\0" "\\r"; echo; echo end of it';
  await runNotified(dir.path, script, {
    on_output_match: { pattern: 'end', match_type: 'contains', stream: 'stdout', file: `${dir.path}/matches` },
  });
  expect(lines(`${dir.path}/matches`).map(({ line }) => line)).toEqual(['end of it']);
});
