/**
 * The files of a job directory, and which role writes each. One writing role at a time:
 *
 * | file          | written by                                   | what is true in it                                  |
 * |---------------|----------------------------------------------|-----------------------------------------------------|
 * | `meta.json`   | creator, later the tag and notify setters    | the definition; replaced whole                      |
 * | `state.json`  | creator → launcher → settler                 | where the job stands; replaced whole                |
 * | `stdout.log`  | the workload itself                          | raw bytes; nobody else writes after the launch      |
 * | `stderr.log`  | the workload itself                          | the same                                            |
 * | `ending`      | the shim                                     | pid, then the exit status (see `process/shim.ts`)   |
 * | `full.log`    | keeper while the job runs, settler             | a view for people; can be made again                |
 * | `full.offsets` | whoever writes `full.log`, under its lock    | how far the streams stand in it (see `output/line-log.ts`) |
 * | `environment.json` | whoever puts it into line, removed by who starts it | the whole environment of a job that waits for its turn |
 * | `masked-env.json` | creator                                  | variables whose values are not shown: `KEY=VALUE` each |
 * | `stdin.bin`   | creator                                      | input of the workload                               |
 * | `stop.json`   | whoever asks for the stop, before any signal | who asked, when, with which signal                  |
 * | `control-group` | keeper, launcher                            | path of the control group that the tree was put into |
 * | `omitted.json` | keeper                                       | ranges of the raw logs that were given back to the disk |
 * | `completion_event.json`, `notification_events.ndjson`, `followed.json` | keeper | what was reported, and how far output was read |
 *
 * `meta.json`, `state.json` and the records are read by hand, not by zod: the command line's hot path has no time for a schema library.
 * The full schemas are `JobMeta` and `JobStateFile` of `@kanade/shared/job`; a test holds what we write against them. Keys that we do
 * not know are kept.
 */
import { lstatSync, readFileSync } from 'node:fs';
import { sep } from 'node:path';
import { type Ending, jobStates, type StopBy, type StoredState } from '@kanade/shared/job-words';
import { errnoOf } from '../job-error.ts';
import type { ProcessIdentity } from '../process/identity.ts';

export const jobFiles = {
  meta: 'meta.json',
  state: 'state.json',
  stdout: 'stdout.log',
  stderr: 'stderr.log',
  full: 'full.log',
  record: 'ending',
  stdin: 'stdin.bin',
  stop: 'stop.json',
  completion: 'completion_event.json',
  matches: 'notification_events.ndjson',
  followed: 'followed.json',
  omitted: 'omitted.json',
  controlGroup: 'control-group',
  fullOffsets: 'full.offsets',
  masked: 'masked-env.json',
  environment: 'environment.json',
} as const;
export type JobFile = keyof typeof jobFiles;

/** The raw logs. */
export const logStreams = ['stdout', 'stderr'] as const;
export type LogStream = (typeof logStreams)[number];

/** One job directory by its full path. */
export interface JobDir {
  readonly id: string;
  readonly path: string;
}

/** Whether the lines of a job are copied into a combined log. */
export const hasLineLog = (meta: Pick<MetaFile, 'full_log'> | undefined): boolean => meta?.full_log !== '';

export const pathOf = (job: JobDir, file: JobFile): string => `${job.path}${sep}${jobFiles[file]}`;

export type JobPaths = Readonly<Record<JobFile, string>>;

/** The same for who touches many of them. */
export function pathsOf(job: JobDir): JobPaths {
  const paths: Partial<Record<JobFile, string>> = {};
  for (const file in jobFiles) paths[file as JobFile] = pathOf(job, file as JobFile);
  return paths as JobPaths;
}

/** Directory below a root that holds what the keeper needs; its name cannot be a job id. */
export const keeperDirName = '.host';

/** Limits of this package; each with its unit. */
export const limits = {
  /** Bytes of a `meta.json`, `state.json` or record that are read. */
  recordFileBytes: 4 * 1024 * 1024,
  /** Bytes of an excerpt of a log, whatever was asked for (256 MiB); its range says what was read. */
  excerptBytes: 256 * 1024 * 1024,
  /** Bytes of a job's input. */
  stdinBytes: 64 * 1024 * 1024,
  /** Bytes of both raw logs of a job together (16 GiB): a build never gets there, a runaway job does in a minute. */
  logBytes: 16 * 1024 ** 3,
  /** Jobs of one root. */
  jobs: 100_000,
  /** Slots of a queue: jobs of it that run at the same time. 0 = none starts. */
  slots: 1_000,
  /** Jobs that one job may wait for. */
  dependencies: 100,
  /** Draws of a fresh id before giving up. */
  idDraws: 16,
  /** Longest time for a notification command, in ms. */
  sinkMs: 60_000,
  /** Bytes of a line that is matched; a longer one is matched in pieces. */
  matchLineBytes: 64 * 1024,
  /** Slow poll behind every watch, in ms, for file systems where watching does not work. */
  safetyPollMs: 1_000,
  /** The same where the system tells of everything that the poll would see. */
  watchedPollMs: 10_000,
} as const;

/** Who is told what (contract, section 6.1). */
export interface NotificationConfig {
  notify_command?: string;
  notify_file?: string;
  on_output_match?: {
    pattern: string;
    match_type: 'contains' | 'regex';
    stream: 'stdout' | 'stderr' | 'either';
    command?: string;
    file?: string;
  };
}

/** What a job waits for before it starts: the end of another one, in whatever way (`any`) or with exit code 0 (`success`). */
export interface Dependency {
  readonly job_id: string;
  readonly on: 'success' | 'any';
}

export interface MetaFile {
  job: { id: string };
  schema_version: string;
  command: string[];
  created_at: string;
  root: string;
  env_keys: string[];
  env_vars?: string[];
  env_vars_runtime?: string[];
  mask?: string[];
  cwd?: string;
  notification?: NotificationConfig;
  tags: string[];
  inherit_env: boolean;
  env_files?: string[];
  timeout_ms: number;
  kill_after_ms: number;
  progress_every_ms: number;
  shell_wrapper?: string[];
  stdin_file?: string;
  /** Ours: where the combined log goes instead of `full.log`; empty: nowhere. */
  full_log?: string;
  /** Ours: bytes of both logs together above which the host trims them or stops the job. */
  log_bytes_max?: number;
  log_overflow?: 'trim' | 'stop';
  /** Ours: the person at the machine instead of the launcher. */
  run_as?: 'session-user';
  /** Ours: the queue whose slots it shares. */
  queue?: string;
  /** Ours: the jobs it waits for. */
  after?: readonly Dependency[];
}

export interface StateFile {
  job: { id: string; status: StoredState; started_at?: string };
  result: { exit_code: number | null; signal: string | null; duration_ms: number | null };
  pid?: number;
  finished_at?: string;
  updated_at: string;
  logs_drained: boolean;
  identity?: ProcessIdentity;
  started_at_ms?: number;
  ending?: Ending;
  error?: string;
  /** The limit in bytes that its logs had exceeded when it was stopped for that. */
  log_limit?: number;
  /** Processes that lived on when it was settled. */
  left_running?: readonly ProcessIdentity[];
  /** One of them could still print into its logs when the time for that was over: what comes later was in no answer. */
  logs_held?: boolean;
  /** What its logs lack, see {@link OmittedRanges}. */
  log_omitted?: OmittedRanges;
}

/** `omitted.json`: the part `[from, to)` in bytes of a raw log that is not kept; it reads as NUL bytes. */
export interface OmittedRanges {
  stdout?: readonly [from: number, to: number];
  stderr?: readonly [from: number, to: number];
}

/** A request to stop, or to send one signal. */
export interface StopRequest {
  /** `stop`: the tree shall end. `signal`: somebody sent one signal, and the workload may do with it what it likes. */
  readonly intent: 'stop' | 'signal';
  readonly by: StopBy;
  readonly signal_number: number;
}

/** `stop.json`: a request to stop, on disk before the first signal is sent. */
export interface StopFile extends StopRequest {
  signal: string;
  at_ms: number;
  /** The limit in bytes that the logs had exceeded, when that is the reason. */
  log_limit?: number;
}

/** The definition; undefined when there is none or it cannot be read as one. */
export function readMeta(job: JobDir): MetaFile | undefined {
  const value = readJson(pathOf(job, 'meta'));
  if (!isObject(value) || !isObject(value.job) || typeof value.job.id !== 'string') return undefined;
  if (!isTexts(value.command) || typeof value.created_at !== 'string') return undefined;
  return {
    ...value,
    inherit_env: value.inherit_env !== false,
    tags: isTexts(value.tags) ? value.tags : [],
    timeout_ms: count(value.timeout_ms),
    kill_after_ms: count(value.kill_after_ms),
    progress_every_ms: count(value.progress_every_ms),
    ...(value.after === undefined ? {} : { after: dependenciesIn(value.after) }),
  } as unknown as MetaFile;
}

/** What cannot be read as a dependency is one on a job that cannot exist: it is never passed over. */
const dependenciesIn = (value: unknown): Dependency[] =>
  (Array.isArray(value) ? value : [value]).map((one) => ({
    job_id: isObject(one) && typeof one.job_id === 'string' ? one.job_id : '',
    on: isObject(one) && one.on === 'any' ? 'any' : 'success',
  }));

/** Whether a job takes its turn behind others instead of starting right away. */
export const isLinedUp = ({
  queue,
  after = [],
}: {
  readonly queue?: string | undefined;
  readonly after?: readonly Dependency[] | undefined;
}): boolean => queue !== undefined || after.length > 0;

/** The stored state; undefined when there is none or it cannot be read as one. */
export function readState(job: JobDir): StateFile | undefined {
  const value = readJson(pathOf(job, 'state'));
  if (!isObject(value) || !isObject(value.job) || !isObject(value.result)) return undefined;
  if (!jobStates.includes(value.job.status as StoredState) || typeof value.updated_at !== 'string') return undefined;
  const identity = value.identity;
  const valid = isObject(identity) && Number.isSafeInteger(identity.pid) && typeof identity.start === 'string';
  return {
    ...value,
    logs_drained: value.logs_drained !== false,
    identity: valid ? identity : undefined,
  } as unknown as StateFile;
}

export function readStop(job: JobDir): StopFile | undefined {
  const value = readJson(pathOf(job, 'stop'));
  return isObject(value) && typeof value.by === 'string' && typeof value.at_ms === 'number'
    ? (value as unknown as StopFile)
    : undefined;
}

/** Variables whose values are not shown; a directory of before has them in `meta.json`. */
export function readMasked(job: JobDir): string[] {
  const value = readJson(pathOf(job, 'masked'));
  return isTexts(value) ? value : [];
}

/** What the logs of a job lack; undefined when they are whole. */
export function readOmitted(job: JobDir): OmittedRanges | undefined {
  const value = readJson(pathOf(job, 'omitted'));
  if (!isObject(value)) return undefined;
  return { ...rangeOf('stdout', value.stdout), ...rangeOf('stderr', value.stderr) };
}

function rangeOf(stream: keyof OmittedRanges, value: unknown): OmittedRanges {
  return Array.isArray(value) && value.length === 2 && value.every(Number.isSafeInteger)
    ? { [stream]: [value[0], value[1]] }
    : {};
}

/** The text of a small file; undefined when it does not exist, is not small, or is a link that could lead anywhere. */
export function readSmallFile(path: string): string | undefined {
  try {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (!stat?.isFile() || stat.size > limits.recordFileBytes) return undefined;
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') return undefined;
    throw error;
  }
}

function readJson(path: string): unknown {
  const text = readSmallFile(path);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // a damaged record is no record; the caller says which job it was
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string');
const count = (value: unknown): number => (typeof value === 'number' && value > 0 ? Math.floor(value) : 0);
