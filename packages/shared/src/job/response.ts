import * as z from 'zod';
import { schemaVersion } from './state.ts';

const state = z.enum(['created', 'running', 'exited', 'killed', 'failed', 'unknown']);
const range = z.tuple([z.int().nonnegative(), z.int().nonnegative()]);
const count = z.int().nonnegative();

function envelope<T extends string, S extends z.ZodRawShape>(type: T, shape: S) {
  return z.looseObject({
    schema_version: z.literal(schemaVersion),
    ok: z.literal(true),
    type: z.literal(type),
    ...shape,
  });
}

const excerpts = {
  stdout: z.string(),
  stderr: z.string(),
  encoding: z.literal('utf-8-lossy'),
  stdout_range: range,
  stderr_range: range,
  stdout_total_bytes: count,
  stderr_total_bytes: count,
};

/** Answer of `run` (contract, section 3.2). `signal` is the name of the signal; `signal_number` its number. */
export const RunResponse = envelope('run', {
  job_id: z.string(),
  state,
  tags: z.array(z.string()),
  env_vars: z.array(z.string()).optional(),
  stdout_log_path: z.string(),
  stderr_log_path: z.string(),
  elapsed_ms: count,
  waited_ms: count,
  ...excerpts,
  exit_code: z.int().optional(),
  finished_at: z.string().optional(),
  signal: z.string().optional(),
  signal_number: z.int().optional(),
  duration_ms: z.number().optional(),
  ending: z.string().optional(),
  error: z.string().optional(),
});
export type RunResponse = z.infer<typeof RunResponse>;

export const StatusResponse = envelope('status', {
  job_id: z.string(),
  state,
  exit_code: z.int().optional(),
  created_at: z.string(),
  started_at: z.string().optional(),
  finished_at: z.string().optional(),
});
export type StatusResponse = z.infer<typeof StatusResponse>;

export const TailResponse = envelope('tail', {
  job_id: z.string(),
  ...excerpts,
  stdout_log_path: z.string(),
  stderr_log_path: z.string(),
});
export type TailResponse = z.infer<typeof TailResponse>;

export const WaitResponse = envelope('wait', {
  job_id: z.string(),
  state,
  exit_code: z.int().optional(),
  ...excerpts,
  updated_at: z.string().optional(),
});
export type WaitResponse = z.infer<typeof WaitResponse>;

export const KillResponse = envelope('kill', {
  job_id: z.string(),
  signal: z.string(),
  state: state.optional(),
  exit_code: z.int().optional(),
  terminated_signal: z.string().optional(),
  observed_within_ms: count.optional(),
});
export type KillResponse = z.infer<typeof KillResponse>;

export const ListEntry = z.looseObject({
  job_id: z.string(),
  short_job_id: z.string(),
  state,
  command: z.array(z.string()),
  exit_code: z.int().optional(),
  created_at: z.string(),
  started_at: z.string().optional(),
  finished_at: z.string().optional(),
  updated_at: z.string().optional(),
  tags: z.array(z.string()),
});
export type ListEntry = z.infer<typeof ListEntry>;

export const ListResponse = envelope('list', {
  root: z.string(),
  jobs: z.array(ListEntry),
  truncated: z.boolean(),
  skipped: count,
});
export type ListResponse = z.infer<typeof ListResponse>;

export const ErrorResponse = z.looseObject({
  schema_version: z.literal(schemaVersion),
  ok: z.literal(false),
  type: z.literal('error'),
  error: z.looseObject({
    code: z.string(),
    message: z.string(),
    retryable: z.boolean(),
    details: z.unknown().optional(),
  }),
});
export type ErrorResponse = z.infer<typeof ErrorResponse>;
