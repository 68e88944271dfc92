import * as z from 'zod';
import { jobStates } from './state.ts';

const timestamp = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);

/** What a process is, beyond its pid: nothing is signalled or called alive unless all three match. */
export const ProcessIdentity = z.looseObject({
  pid: z.int().positive(),
  /** Start time in the clock ticks of the kernel since boot, as text; on systems without it, any stable start stamp. */
  start: z.string(),
  boot: z.string(),
});
export type ProcessIdentity = z.infer<typeof ProcessIdentity>;

/** `meta.json`: the definition of a job, written at creation. Times in milliseconds. Unknown keys are kept. */
export const JobMeta = z.looseObject({
  job: z.looseObject({ id: z.string() }),
  schema_version: z.string(),
  command: z.array(z.string()),
  created_at: z.string(),
  root: z.string(),
  env_keys: z.array(z.string()),
  env_vars: z.array(z.string()).optional(),
  env_vars_runtime: z.array(z.string()).optional(),
  mask: z.array(z.string()).optional(),
  cwd: z.string().optional(),
  tags: z.array(z.string()).optional(),
  inherit_env: z.boolean().optional(),
  env_files: z.array(z.string()).optional(),
  timeout_ms: z.int().nonnegative().optional(),
  kill_after_ms: z.int().nonnegative().optional(),
  progress_every_ms: z.int().nonnegative().optional(),
  shell_wrapper: z.array(z.string()).optional(),
  stdin_file: z.string().optional(),
});
export type JobMeta = z.infer<typeof JobMeta>;

/**
 * `state.json`: where a job stands. `identity`, `ending`, `error` and `started_at_ms` are ours; the ancestor ignores
 * them. `result.signal` is the signal number as text.
 */
export const JobStateFile = z.looseObject({
  job: z.looseObject({ id: z.string(), status: z.enum(jobStates), started_at: timestamp.optional() }),
  result: z.looseObject({
    exit_code: z.int().nullable(),
    signal: z.string().nullable(),
    duration_ms: z.number().nullable(),
  }),
  pid: z.int().positive().optional(),
  finished_at: timestamp.optional(),
  updated_at: timestamp,
  logs_drained: z.boolean().optional(),
  identity: ProcessIdentity.optional(),
  ending: z.looseObject({ kind: z.string() }).optional(),
  error: z.string().optional(),
  started_at_ms: z.number().optional(),
});
export type JobStateFile = z.infer<typeof JobStateFile>;
