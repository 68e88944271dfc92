import { describe, expect, it } from 'vitest';
import { strictAs } from '../scalar/strict.ts';
import type { Excerpts } from './envelope.ts';
import type { RunResponse } from './launch-response.ts';
import {
  LegacyDeleteResponse,
  LegacyErrorResponse,
  LegacyGcResponse,
  LegacyInstallSkillsResponse,
  LegacyKillResponse,
  LegacyListResponse,
  LegacyRunResponse,
  LegacySnapshot,
  LegacyStartResponse,
  LegacyStatusResponse,
  LegacyTailResponse,
  LegacyWaitResponse,
} from './legacy.ts';
import {
  toLegacyDelete,
  toLegacyError,
  toLegacyGc,
  toLegacyInstallSkills,
  toLegacyKill,
  toLegacyLaunch,
  toLegacyList,
  toLegacyStatus,
  toLegacyTail,
  toLegacyWait,
} from './to-legacy.ts';

const tails: Excerpts = {
  stdout: 'b\n',
  stderr: '',
  encoding: 'utf-8-lossy',
  stdout_range: [2, 4],
  stderr_range: [0, 0],
  stdout_total_bytes: 4,
  stderr_total_bytes: 0,
};
const paths = { stdout_log_path: '/r/a/stdout.log', stderr_log_path: '/r/a/stderr.log' };
const head = <T extends string>(type: T) => ({ schema_version: '0.1', ok: true, type, job_id: 'a' }) as const;
const run: RunResponse = {
  ...head('run'),
  state: 'exited',
  tags: ['t'],
  env_vars: ['A=1'],
  ...paths,
  elapsed_ms: 12,
  waited_ms: 10,
  ...tails,
  exit_code: 3,
  finished_at: '2026-03-01T09:00:04Z',
  duration_ms: 9,
  ending: 'exited',
};
const entry = {
  job_id: 'a',
  short_job_id: 'a',
  state: 'exited' as const,
  command: ['true'],
  created_at: '2026-03-01T09:00:00Z',
  tags: [],
};
const removed = { job_id: 'a', state: 'exited' as const, action: 'deleted' as const, reason: 'age' };
const sums = { root: '/r', dry_run: false, deleted: 1, skipped: 0, out_of_scope: 0, failed: 0 };

const { snapshot } = toLegacyLaunch(run, { tails, waited: false }) as { snapshot?: unknown };

describe('toLegacyLaunch()', () => {
  const { env_vars: _, ...plain } = run;

  it('without waiting: running, whatever the job does, and a snapshot', () => {
    expect(toLegacyLaunch(plain, { tails, waited: false })).toEqual({
      ...head('run'),
      state: 'running',
      tags: ['t'],
      snapshot,
      ...paths,
      waited_ms: 10,
      elapsed_ms: 12,
    });
  });

  it('waited: the ending and a final snapshot', () => {
    const rendered = toLegacyLaunch(run, { tails, waited: true });
    expect(rendered).toMatchObject({ state: 'exited', exit_code: 3, env_vars: ['A=1'] });
    expect(Object.keys(rendered)).toEqual(expect.arrayContaining(['finished_at', 'final_snapshot']));
    expect(Object.keys(rendered)).not.toContain('snapshot');
  });

  it('waited, and the job still runs: no ending', () => {
    expect(Object.keys(toLegacyLaunch({ ...run, state: 'running' }, { waited: true }))).not.toContain('exit_code');
  });

  it('a restart becomes a start', () => {
    expect(toLegacyLaunch({ ...run, type: 'restart' }, { waited: false }).type).toBe('start');
  });
});

it('a snapshot counts what there was and what is shown', () => {
  expect(snapshot).toEqual({
    stdout_tail: 'b\n',
    stderr_tail: '',
    truncated: true,
    encoding: 'utf-8-lossy',
    stdout_observed_bytes: 4,
    stderr_observed_bytes: 0,
    stdout_included_bytes: 2,
    stderr_included_bytes: 0,
  });
  const whole = toLegacyLaunch(run, { tails: { ...tails, stdout_range: [0, 4] }, waited: true });
  expect(whole).toMatchObject({ final_snapshot: { truncated: false } });
});

it.each([
  ['run', LegacyRunResponse, toLegacyLaunch(run, { tails, waited: true })],
  ['start', LegacyStartResponse, toLegacyLaunch({ ...run, type: 'start' }, { tails, waited: false })],
  ['snapshot', LegacySnapshot, snapshot],
  [
    'status',
    LegacyStatusResponse,
    toLegacyStatus({ ...head('status'), state: 'exited', created_at: 'x', ending: 'exited' }),
  ],
  ['tail', LegacyTailResponse, toLegacyTail({ ...head('tail'), ...tails, ...paths })],
  ['wait', LegacyWaitResponse, toLegacyWait({ ...head('wait'), state: 'exited', exit_code: 0, ...tails })],
  ['kill', LegacyKillResponse, toLegacyKill({ ...head('kill'), signal: 'TERM', state: 'killed' })],
  [
    'list',
    LegacyListResponse,
    toLegacyList({
      schema_version: '0.1',
      ok: true,
      type: 'list',
      root: '/r',
      jobs: [entry],
      truncated: false,
      skipped: 0,
    }),
  ],
  [
    'delete',
    LegacyDeleteResponse,
    toLegacyDelete({ schema_version: '0.1', ok: true, type: 'delete', ...sums, cwd_scope: '/', jobs: [removed] }),
  ],
  [
    'gc',
    LegacyGcResponse,
    toLegacyGc(
      {
        schema_version: '0.1',
        ok: true,
        type: 'gc',
        ...sums,
        older_than: '30d',
        older_than_source: 'default',
        freed_bytes: 7,
        scanned_dirs: 1,
        candidate_count: 1,
      },
      [{ ...removed, bytes: 7 }],
    ),
  ],
  [
    'install_skills',
    LegacyInstallSkillsResponse,
    toLegacyInstallSkills({
      schema_version: '0.1',
      ok: true,
      type: 'install_skills',
      skills: [{ name: 'agent-exec', source_type: 'embedded', path: 'p' }],
      global: false,
      lock_file_path: 'l',
    }),
  ],
  [
    'error',
    LegacyErrorResponse,
    toLegacyError({
      schema_version: '0.1',
      ok: false,
      type: 'error',
      error: { code: 'ambiguous_job_id', message: 'm', retryable: false, details: { candidates: [] } },
    }),
  ],
])('%s is rendered with the keys of 0.1.18 and no others', (_type, schema, rendered) => {
  expect(strictAs(schema, rendered)).toEqual({ ok: true, value: rendered });
});
