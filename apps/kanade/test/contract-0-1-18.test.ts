/** Contract, section 3.17: the earlier shapes. */
import { readFileSync, writeFileSync } from 'node:fs';
import {
  LegacyErrorResponse,
  LegacyGcResponse,
  LegacyRunResponse,
  LegacyStartResponse,
  LegacyTailResponse,
  LegacyWaitResponse,
} from '@kanade/shared/job';
import { describe, expect, it } from 'vitest';
import { jobsRoot } from './program.ts';

const old = ['--contract', '0.1.18'];
const newer = ['stdout', 'stdout_range', 'stdout_total_bytes', 'duration_ms', 'ending', 'legacy', 'updated_at'];

describe('--contract 0.1.18', () => {
  it('run shows the end of the output in a snapshot, and calls the job running', async () => {
    await using jobs = await jobsRoot();
    const { status: _, ...answer } = await jobs.answer(['run', ...old, '--', 'seq', '60']);
    expect(LegacyRunResponse.parse(answer)).toMatchObject({
      type: 'run',
      state: 'running',
      snapshot: { truncated: true, stdout_observed_bytes: 171, stdout_included_bytes: 150 },
    });
    expect((answer.snapshot as { stdout_tail: string }).stdout_tail).toMatch(/^11\n12\n[\s\S]*\n60\n$/);
    for (const key of [...newer, 'exit_code', 'final_snapshot']) expect(answer[key]).toBeUndefined();
  });

  it.each([['--wait'], ['--forever']])('run %s tells the ending, with a final snapshot', async (option) => {
    await using jobs = await jobsRoot();
    const answer = LegacyRunResponse.parse(await jobs.answer(['run', ...old, option, '--', 'echo x; exit 3']));
    expect(answer).toMatchObject({
      state: 'exited',
      exit_code: 3,
      final_snapshot: { stdout_tail: 'x\n', truncated: false },
    });
    expect(answer.snapshot).toBeUndefined();
  });

  it('run --no-wait has no snapshot', async () => {
    await using jobs = await jobsRoot();
    const answer = LegacyRunResponse.parse(await jobs.answer(['run', ...old, '--no-wait', '--', 'true']));
    expect([answer.snapshot, answer.final_snapshot, answer.waited_ms]).toEqual([undefined, undefined, 0]);
  });

  it('start, tail and wait, by the environment', async () => {
    await using jobs = await jobsRoot();
    const env = { KANADE_CONTRACT: '0.1.18' };
    const id = String((await jobs.answer(['create', '--', 'echo a; echo b >&2'])).job_id);
    const shapes = { start: LegacyStartResponse, tail: LegacyTailResponse, wait: LegacyWaitResponse };
    for (const [command, shape] of Object.entries(shapes)) {
      const answer = await jobs.answer([command, id], { env });
      expect(shape.parse(answer)).toMatchObject({ ok: true, type: command, job_id: id });
      for (const key of newer) expect(answer[key]).toBeUndefined();
    }
    expect(await jobs.answer(['tail', id], { env })).toMatchObject({
      stdout_tail: 'a\n',
      stderr_tail: 'b\n',
      truncated: false,
    });
    expect(await jobs.answer(['tail', '--contract', '0.2.31', id], { env })).toMatchObject({ stdout: 'a\n' });
  });

  it('gc tells about each job', async () => {
    await using jobs = await jobsRoot();
    const made = async (...args: string[]): Promise<string> => String((await jobs.answer(args)).job_id);
    const aged = await made('run', '--', 'true');
    const fresh = await made('run', '--', 'true');
    const created = await made('create', '--', 'true');
    const path = `${jobs.root}/${aged}/state.json`;
    const state = JSON.parse(readFileSync(path, 'utf8'));
    writeFileSync(path, JSON.stringify({ ...state, finished_at: '2020-01-01T00:00:00Z' }));
    const fates = async (...args: string[]): Promise<Record<string, string>> => {
      const answer = LegacyGcResponse.parse(await jobs.answer(['gc', ...old, ...args]));
      return Object.fromEntries(answer.jobs.map(({ job_id, action, reason }) => [job_id, `${action} ${reason}`]));
    };
    const others = { [fresh]: 'skipped retention', [created]: 'skipped created' };
    expect(await fates('--dry-run')).toEqual({ [aged]: 'would_delete age', ...others });
    expect(await fates()).toEqual({ [aged]: 'deleted age', ...others });
    expect((await jobs.call(['gc', ...old, '--max-jobs', '1'])).status).toBe(2);
  });

  it('errors have no details; YAML works too', async () => {
    await using jobs = await jobsRoot();
    const failed = LegacyErrorResponse.parse(await jobs.answer([...old, 'status', 'nope']));
    expect(failed.error.code).toBe('job_not_found');
    expect((await jobs.call([...old, '--yaml', 'run', '--', 'true'])).stdout).toContain('snapshot:\n');
  });
});
