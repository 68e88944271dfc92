/**
 * The two files that are a job. `meta.json`: what it is, written at its creation, rewritten by `tag set` and `notify
 * set`. `state.json`: where it stands, replaced whole at every move (`stateMoves` says which are legal). Both are
 * pretty JSON, keys unknown to us are kept. Readers take what older writers left out; writers write
 * it all (`strictJobMeta`, `strictJobState`).
 */
import * as z from 'zod';
import { type Fault, type Read, strictAs } from '../scalar/strict.ts';
import { JobNotification } from './notification.ts';
import { WholeSecond } from './whole-second.ts';
import { jobStates } from './words.ts';

/** What a process is, beyond its pid: nothing is signalled or called alive unless all three match. */
export const ProcessIdentity = z.looseObject({
  pid: z.int().positive(),
  /** Start time in the clock ticks of the kernel since boot, as text; on systems without it, any stable start stamp. */
  start: z.string(),
  boot: z.string(),
});
export type ProcessIdentity = z.infer<typeof ProcessIdentity>;

/** How a run ended, as `Ending` says it. `kind` may be one that only a newer writer knows. */
export const JobEnding = z.looseObject({
  kind: z.string(),
  exitCode: z.int().optional(),
  signal: z.int().optional(),
  by: z.string().optional(),
  reason: z.string().optional(),
});
export type JobEnding = z.infer<typeof JobEnding>;

/** A job that another one waits for: its end in whatever way (`any`), or with exit code 0 (`success`). */
export const JobDependency = z.looseObject({ job_id: z.string(), on: z.enum(['success', 'any']) });

const spanMs = z.int().nonnegative();

/** `meta.json` (contract, section 2.5): the definition of a job. Times in milliseconds, 0 = none. */
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
  notification: JobNotification.optional(),
  tags: z.array(z.string()).optional(),
  inherit_env: z.boolean().optional(),
  env_files: z.array(z.string()).optional(),
  timeout_ms: spanMs.optional(),
  kill_after_ms: spanMs.optional(),
  progress_every_ms: spanMs.optional(),
  shell_wrapper: z.array(z.string()).optional(),
  stdin_file: z.string().optional(),
  /** Ours: another place for the combined log. */
  full_log: z.string().optional(),
  /** Ours: most bytes of both raw logs together, and what happens beyond. */
  log_bytes_max: z.int().positive().optional(),
  log_overflow: z.enum(['trim', 'stop']).optional(),
  /** Ours: the person at the machine instead of the launcher. */
  run_as: z.literal('session-user').optional(),
  /** Ours: the queue whose slots it shares, and the jobs it waits for. */
  queue: z.string().optional(),
  after: z.array(JobDependency).optional(),
});
export type JobMeta = z.infer<typeof JobMeta>;

/** The part `[from, to)` in bytes of a raw log that is not kept; it reads as NUL bytes. */
const OmittedRange = z.tuple([spanMs, spanMs]);
export const OmittedRanges = z.looseObject({ stdout: OmittedRange.optional(), stderr: OmittedRange.optional() });
export type OmittedRanges = z.infer<typeof OmittedRanges>;

/**
 * `state.json` (contract, section 2.6). `result.signal` is the signal number as text. `identity`, `ending`, `error`,
 * `started_at_ms` and all below it are ours; other readers ignore them.
 */
export const JobStateFile = z.looseObject({
  job: z.looseObject({ id: z.string(), status: z.enum(jobStates), started_at: WholeSecond.optional() }),
  result: z.looseObject({
    exit_code: z.int().nullable(),
    signal: z.string().nullable(),
    duration_ms: z.number().nullable(),
  }),
  pid: z.int().positive().optional(),
  finished_at: WholeSecond.optional(),
  updated_at: WholeSecond,
  logs_drained: z.boolean().optional(),
  windows_job_name: z.string().optional(),
  identity: ProcessIdentity.optional(),
  ending: JobEnding.optional(),
  error: z.string().optional(),
  started_at_ms: z.number().optional(),
  log_limit: z.int().optional(),
  log_omitted: OmittedRanges.optional(),
});
export type JobStateFile = z.infer<typeof JobStateFile>;

/** What writers always write, although older writers left it out: no tags, the whole environment, no limits; logs drained. */
const alwaysInMeta = ['tags', 'inherit_env', 'timeout_ms', 'kill_after_ms', 'progress_every_ms'];
const alwaysInState = ['logs_drained'];

/** Arrays that a writer leaves out when they are empty. */
const omittedEmpty = ['env_vars', 'env_vars_runtime', 'mask', 'env_files'] as const;

/** Holds what is about to be written as `meta.json` to the contract: every fault with its path, unknown keys among them. */
export function strictJobMeta(value: unknown): Read<JobMeta> {
  const empty = omittedEmpty
    .filter((key) => isEmptyArray(valueAt(value, key)))
    .map((path) => ({ path, message: 'must be left out when empty' }));
  return withMore(strictAs(JobMeta, value), [...missing(value, alwaysInMeta), ...empty]);
}

/** Holds what is about to be written as `state.json` to the contract, and its fields to its state (section 1.2). */
export function strictJobState(value: unknown): Read<JobStateFile> {
  const read = strictAs(JobStateFile, value);
  const faults = read.ok ? stateFaults(read.value) : [];
  return withMore(read, [...missing(value, alwaysInState), ...faults]);
}

/** What must not stand together in one `state.json`. */
function stateFaults({ job, result, finished_at }: JobStateFile): Fault[] {
  const ended = job.status !== 'created' && job.status !== 'running';
  const faults: Fault[] = [];
  if (ended !== (finished_at !== undefined)) {
    faults.push({
      path: 'finished_at',
      message: ended ? `is required: the job is ${job.status}` : `must be left out: the job is ${job.status}`,
    });
  }
  if (result.exit_code !== null && job.status !== 'exited') {
    faults.push({ path: 'result.exit_code', message: `must be null: the job is ${job.status}` });
  }
  if (result.signal !== null && job.status !== 'killed') {
    faults.push({ path: 'result.signal', message: `must be null: the job is ${job.status}` });
  }
  if (job.started_at !== undefined && job.status === 'created') {
    faults.push({ path: 'job.started_at', message: 'must be left out: the job has not started' });
  }
  return faults;
}

function withMore<T>(read: Read<T>, more: readonly Fault[]): Read<T> {
  if (more.length === 0) return read;
  return { ok: false, faults: [...(read.ok ? [] : read.faults), ...more] };
}

const missing = (value: unknown, keys: readonly string[]): Fault[] =>
  keys.filter((key) => valueAt(value, key) === undefined).map((path) => ({ path, message: 'is required' }));

const valueAt = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;

const isEmptyArray = (value: unknown): boolean => Array.isArray(value) && value.length === 0;
