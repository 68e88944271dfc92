import { closeSync, mkdirSync, openSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { JobError, pathOf } from '@kanade/runner';
import { tempDir } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { deleteJob, deleteJobsOf, pruneJobs } from '../src/keep/prune.ts';
import { createJob, startJob } from '../src/life/launch.ts';
import { editMeta, restartJob } from '../src/life/restart.ts';
import { settle } from '../src/life/settle.ts';
import { stopJob } from '../src/life/stop.ts';
import { readMeta } from '../src/record/layout.ts';
import { launchScript, runScript } from './launch.ts';

const stop = { by: 'user', graceMs: 200 } as const;

describe('restartJob()', () => {
  it('runs an ended job again in its directory, with fresh logs and the same environment', async () => {
    await using dir = await tempDir();
    const { job } = createJob(dir.path, {
      command: ['echo "$X"; exit 3'],
      cwd: dir.path,
      shellWrapper: ['sh', '-c'],
      env: ['X=kept'],
    });
    await startJob(job, process.env).ended;
    expect(settle(job).state?.ending).toEqual({ kind: 'exited', exitCode: 3 });
    await (await restartJob(job, { stop, begin: () => startJob(job, process.env) })).ended;
    expect(settle(job).state?.ending).toEqual({ kind: 'exited', exitCode: 3 });
    expect(readFileSync(pathOf(job, 'stdout'), 'utf8')).toBe('kept\n');
  });

  it('stops a run that is still going first, tree and all, and never lets it speak for the new one', async () => {
    await using dir = await tempDir();
    const first = launchScript(dir.path, 'echo $$; exec sleep 60');
    const again = await restartJob(first.job, { stop, begin: () => startJob(first.job, process.env) });
    await first.ended;
    expect(settle(first.job)).toMatchObject({ status: 'running', state: { pid: expect.any(Number) } });
    const { view } = await stopJob(first.job, { by: 'operator' });
    await again.ended;
    expect(view.state?.ending).toEqual({ kind: 'killed', by: 'operator', signal: 15 });
  });

  it('two at once: one wins, the other is told', async () => {
    await using dir = await tempDir();
    const { job } = await runScript(dir.path, 'exit 0');
    const both = await Promise.allSettled(
      [1, 2].map(() => restartJob(job, { stop, begin: () => startJob(job, process.env) })),
    );
    const won = both.find((outcome) => outcome.status === 'fulfilled');
    const lost = both.find((outcome) => outcome.status === 'rejected');
    expect([won?.status, lost?.reason]).toEqual(['fulfilled', expect.any(JobError)]);
    if (won?.status === 'fulfilled') await won.value.ended;
  });
});

describe('startJob()', () => {
  it('starts a job only once', async () => {
    await using dir = await tempDir();
    const { job } = createJob(dir.path, { command: ['true'], cwd: dir.path });
    await startJob(job, process.env).ended;
    expect(() => startJob(job, process.env)).toThrow(/it is|another launch/);
  });

  it('starts a job whose launcher was killed before anything ran, and none that somebody may still be starting', async () => {
    await using dir = await tempDir();
    const { job } = createJob(dir.path, { command: ['exit 4'], cwd: dir.path, shellWrapper: ['sh', '-c'] });
    const record = pathOf(job, 'record');
    writeFileSync(record, '\n', { mode: 0o600 });
    expect(() => startJob(job, process.env)).toThrow('another launch of it has begun');
    const longAgo = new Date(Date.now() - 60_000);
    utimesSync(record, longAgo, longAgo);
    const held = openSync(record, 'a');
    expect(() => startJob(job, process.env)).toThrow('another launch of it has begun');
    closeSync(held);
    await startJob(job, process.env).ended;
    expect(settle(job).state?.ending).toEqual({ kind: 'exited', exitCode: 4 });
  });

  it('names a shell that does not exist', async () => {
    await using dir = await tempDir();
    const { job } = createJob(dir.path, { command: ['true'], cwd: dir.path, shellWrapper: ['no-such-shell', '-c'] });
    expect(() => startJob(job, process.env)).toThrow('program no-such-shell was not found');
    expect(settle(job)).toMatchObject({ status: 'failed', state: { error: 'program no-such-shell was not found' } });
  });
});

describe('deleting', () => {
  it('takes an ended job, refuses a running one and a directory that is none', async () => {
    await using dir = await tempDir();
    const ended = await runScript(dir.path, 'true');
    const running = launchScript(dir.path, 'sleep 60');
    mkdirSync(`${dir.path}/foreign`);
    expect(deleteJob(ended.job, { dryRun: true }).action).toBe('would_delete');
    expect(deleteJob(ended.job, { dryRun: false })).toMatchObject({ action: 'deleted', state: 'exited' });
    expect(() => deleteJob(running.job, { dryRun: false })).toThrow('is running');
    expect(() => deleteJob({ id: 'foreign', path: `${dir.path}/foreign` }, { dryRun: false })).toThrow(
      'has no meta.json',
    );
    await stopJob(running.job, stop);
  });

  it('never follows a link out of the root', async () => {
    await using dir = await tempDir();
    await using outside = await tempDir();
    const { job } = await runScript(outside.path, 'true');
    symlinkSync(job.path, `${dir.path}/planted`);
    expect(() => deleteJob({ id: 'planted', path: `${dir.path}/planted` }, { dryRun: false })).toThrow('symbolic link');
    expect(readMeta(job)?.job.id).toBe(job.id);
  });

  it('of a directory counts the others and skips what runs', async () => {
    await using dir = await tempDir();
    await runScript(dir.path, 'true');
    createJob(dir.path, { command: ['true'], cwd: '/' });
    const running = launchScript(dir.path, 'sleep 60');
    const { jobs, outOfScope } = deleteJobsOf(dir.path, dir.path, { dryRun: false });
    expect(jobs.map(({ action, reason }) => `${action} ${reason}`).sort()).toEqual([
      'deleted terminal_in_cwd',
      'skipped running',
    ]);
    expect(outOfScope).toBe(1);
    await stopJob(running.job, stop);
  });

  it('by age looks at ended jobs only', async () => {
    await using dir = await tempDir();
    const { job } = await runScript(dir.path, 'echo x');
    createJob(dir.path, { command: ['true'], cwd: '/' });
    const nowMs = Date.now() + 10_000;
    expect(pruneJobs(dir.path, { olderThanMs: 1000, dryRun: true, nowMs })).toMatchObject({
      scanned: 2,
      candidates: 1,
      deleted: 0,
      outOfScope: 1,
    });
    const report = pruneJobs(dir.path, { olderThanMs: 1000, dryRun: false, nowMs });
    expect(report).toMatchObject({ deleted: 1, failed: 0 });
    expect(report.freedBytes).toBeGreaterThan(100);
    expect(settle(job).status).toBe('unknown');
  });
});

it('editMeta() keeps keys that it does not know', async () => {
  await using dir = await tempDir();
  const { job, meta } = createJob(dir.path, { command: ['true'], cwd: '/' });
  writeFileSync(pathOf(job, 'meta'), JSON.stringify({ ...meta, later: { deep: 1 } }));
  await editMeta(job, (known) => ({ ...known, tags: ['a'] }));
  expect(JSON.parse(readFileSync(pathOf(job, 'meta'), 'utf8'))).toMatchObject({ tags: ['a'], later: { deep: 1 } });
});
