/**
 * The answers as version 0.1.18 printed them (contract, section 3.17): excerpts are *tails* in a `snapshot`, sizes are
 * "observed" and "included" bytes, `gc` lists its jobs. Readers take even earlier output, which lacks `tags` and
 * `created_at`; the renderers in `to-legacy.ts` write what 0.1.18 wrote.
 */
import * as z from 'zod';
import { AnsweredState, amount, envelope, logPaths } from './envelope.ts';
import { schemaVersion } from './words.ts';

const tails = {
  stdout_tail: z.string(),
  stderr_tail: z.string(),
  truncated: z.boolean(),
  encoding: z.literal('utf-8-lossy'),
  stdout_observed_bytes: amount,
  stderr_observed_bytes: amount,
  stdout_included_bytes: amount,
  stderr_included_bytes: amount,
};

/** The ends of both logs. `observed`: bytes there were. `included`: bytes shown. `truncated`: one of them is not whole. */
export const LegacySnapshot = z.looseObject(tails);
export type LegacySnapshot = z.infer<typeof LegacySnapshot>;

const launched = {
  job_id: z.string(),
  state: AnsweredState,
  tags: z.array(z.string()).optional(),
  env_vars: z.array(z.string()).optional(),
  snapshot: LegacySnapshot.optional(),
  ...logPaths,
  waited_ms: amount,
  elapsed_ms: amount,
  exit_code: z.int().optional(),
  finished_at: z.string().optional(),
  final_snapshot: LegacySnapshot.optional(),
};

export const LegacyRunResponse = envelope('run', launched);
export type LegacyRunResponse = z.infer<typeof LegacyRunResponse>;

export const LegacyStartResponse = envelope('start', launched);
export type LegacyStartResponse = z.infer<typeof LegacyStartResponse>;

export const LegacyStatusResponse = envelope('status', {
  job_id: z.string(),
  state: AnsweredState,
  exit_code: z.int().optional(),
  created_at: z.string().optional(),
  started_at: z.string().optional(),
  finished_at: z.string().optional(),
});
export type LegacyStatusResponse = z.infer<typeof LegacyStatusResponse>;

export const LegacyTailResponse = envelope('tail', { job_id: z.string(), ...tails, ...logPaths });
export type LegacyTailResponse = z.infer<typeof LegacyTailResponse>;

export const LegacyWaitResponse = envelope('wait', {
  job_id: z.string(),
  state: AnsweredState,
  exit_code: z.int().optional(),
});
export type LegacyWaitResponse = z.infer<typeof LegacyWaitResponse>;

export const LegacyKillResponse = envelope('kill', { job_id: z.string(), signal: z.string() });
export type LegacyKillResponse = z.infer<typeof LegacyKillResponse>;

const listEntry = z.looseObject({
  job_id: z.string(),
  state: AnsweredState,
  exit_code: z.int().optional(),
  created_at: z.string().optional(),
  started_at: z.string().optional(),
  finished_at: z.string().optional(),
  updated_at: z.string().optional(),
  tags: z.array(z.string()).optional(),
});

export const LegacyListResponse = envelope('list', {
  root: z.string(),
  jobs: z.array(listEntry),
  truncated: z.boolean(),
  skipped: amount,
});
export type LegacyListResponse = z.infer<typeof LegacyListResponse>;

const removal = { job_id: z.string(), state: AnsweredState, action: z.string(), reason: z.string() };

export const LegacyDeleteResponse = envelope('delete', {
  root: z.string(),
  dry_run: z.boolean(),
  deleted: amount,
  skipped: amount,
  jobs: z.array(z.looseObject(removal)),
});
export type LegacyDeleteResponse = z.infer<typeof LegacyDeleteResponse>;

/** What `gc` did, or would do, with one job. */
export const LegacyGcEntry = z.looseObject({ ...removal, bytes: amount });
export type LegacyGcEntry = z.infer<typeof LegacyGcEntry>;

export const LegacyGcResponse = envelope('gc', {
  root: z.string(),
  dry_run: z.boolean(),
  older_than: z.string(),
  older_than_source: z.enum(['default', 'flag']),
  deleted: amount,
  skipped: amount,
  freed_bytes: amount,
  jobs: z.array(LegacyGcEntry),
});
export type LegacyGcResponse = z.infer<typeof LegacyGcResponse>;

/** `source_type` was `self` for the built-in skill, `local` for one from a path. */
export const LegacyInstallSkillsResponse = envelope('install_skills', {
  skills: z.array(z.looseObject({ name: z.string(), source_type: z.enum(['self', 'local']), path: z.string() })),
  global: z.boolean(),
  lock_file_path: z.string(),
});
export type LegacyInstallSkillsResponse = z.infer<typeof LegacyInstallSkillsResponse>;

export const LegacyErrorResponse = z.looseObject({
  schema_version: z.literal(schemaVersion),
  ok: z.literal(false),
  type: z.literal('error'),
  error: z.looseObject({ code: z.string(), message: z.string(), retryable: z.boolean() }),
});
export type LegacyErrorResponse = z.infer<typeof LegacyErrorResponse>;
