/** What local commands say of a job. Those that start one observe it first, and delete old ones afterwards. */
import { statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Excerpt,
  type JobDir,
  JobError,
  type Jobs,
  type JobView,
  type Launched,
  openJobs,
  pathOf,
  type RootLimits,
  signalByNumber,
} from '@kanade/runner';
import { isTerminal, shortJobId } from '@kanade/shared/job-words';
import { sizeOf } from '../answer/ink.ts';
import { type Answer, type Context, type Options, UsageError, type Waiting } from '../call/command.ts';
import { compressionFields, compressionMode, compressOptions } from '../compress/compress.ts';
import { type Config, readConfig } from './settings.ts';

/** Default bytes per stream in an answer (contract, section 3.2). */
export const excerptBytes = 65_536;

/** Default lines of a tail (contract, section 3.6). */
export const tailLines = 50;

/** The jobs of this call; their keeper is a process of its own, because this call comes and goes. */
export const jobsOf = ({ root, io }: Pick<Context, 'root' | 'io'>, limits?: RootLimits): Jobs =>
  openJobs(root, { keeper: 'process', env: io.env, ...(limits ? { limits } : {}) });

export const headsOf = (jobs: Jobs, job: JobDir, bytesMax: number): Record<string, unknown> =>
  excerptFields(jobs.head(job, 'stdout', bytesMax), jobs.head(job, 'stderr', bytesMax));

export function tailsOf(jobs: Jobs, job: JobDir, bytesMax: number, lines: number): Record<string, unknown> {
  const window = { bytesMax, lines };
  return excerptFields(jobs.tail(job, 'stdout', window), jobs.tail(job, 'stderr', window));
}

function excerptFields(stdout: Excerpt, stderr: Excerpt): Record<string, unknown> {
  return {
    stdout: stdout.text,
    stderr: stderr.text,
    encoding: 'utf-8-lossy',
    stdout_range: stdout.range,
    stderr_range: stderr.range,
    stdout_total_bytes: stdout.totalBytes,
    stderr_total_bytes: stderr.totalBytes,
  };
}

/** What the line on a terminal says of a job that is waited for. */
export const waitingFor = (jobs: Jobs, job: JobDir): Waiting => ({
  what: shortJobId(job.id),
  how: () => `${sizeOf(jobs.describe(job).logBytes)} printed`,
});

/** `exit_code` when the process returned one. */
export function exitCodeField({ state }: JobView): { exit_code?: number } {
  return typeof state?.result.exit_code === 'number' ? { exit_code: state.result.exit_code } : {};
}

/** How the job ended: contract fields, then ours (`signal_number`, `ending`, `error`). Empty while it runs. */
export function endingFields(view: JobView): Record<string, unknown> {
  const { state } = view;
  if (!state || !isTerminal(view.status)) return {};
  const signal = signalFields(view);
  return {
    ...exitCodeField(view),
    ...(state.finished_at ? { finished_at: state.finished_at } : {}),
    ...(signal ? { signal: signal.name, signal_number: signal.number } : {}),
    ...(typeof state.result.duration_ms === 'number' ? { duration_ms: state.result.duration_ms } : {}),
    ...reasonOf(view),
  };
}

/** Why it ended as it did, where that is known: the kind of ending, who asked for it, what went wrong. */
export function reasonOf({ state }: JobView): Record<string, unknown> {
  const by = state?.ending && 'by' in state.ending ? { ended_by: state.ending.by } : {};
  return {
    ...(state?.ending ? { ending: state.ending.kind, ...by } : {}),
    ...(state?.error ? { error: state.error } : {}),
  };
}

/** The signal that ended the job, by name where this system has one. */
export function signalFields({ state }: JobView): { name: string; number: number } | undefined {
  const text = state?.result.signal;
  if (typeof text !== 'string') return undefined;
  const number = Number(text);
  return { name: signalByNumber(number)?.name ?? text, number };
}

/** Seconds that a job is observed by default (contract, section 3.2). */
const untilDefault = 10;

/** A job that has printed something and then nothing for so long, in ms, is answered for while it runs on. */
const quietMs = 1_000;

/** Who lets a shell decide by the ending of a job. */
export const exitCodeOption = {
  'exit-code': {
    kind: 'optional',
    value: 'true|false',
    values: ['true', 'false'],
    help: 'exit as the job did: its code, 128 and the signal, 124 after its timeout; 125 when it has not ended well otherwise',
  },
} as const;

/** How long ended jobs are kept when nobody says otherwise. */
export const retentionDefault = '30d';

const unitMs = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, '': 1_000 } as const;

/** Milliseconds of a retention such as `30d`, `12h`, `90m`, `45s` or bare seconds. Throws `internal_error` for anything else. */
export function parseRetention(text: string): number {
  const match = /^(\d{1,10})([dhms]?)$/.exec(text.trim());
  if (!match)
    throw new JobError(
      'internal_error',
      `not a duration: ${JSON.stringify(text)}; give 30d, 24h, 60m, 3600s or plain seconds`,
    );
  return Number(match[1]) * unitMs[(match[2] ?? '') as keyof typeof unitMs];
}

const collectOptions = {
  'no-auto-gc': { kind: 'flag', help: 'delete no old jobs this time' },
  'auto-gc-older-than': {
    kind: 'text',
    value: 'D',
    help: `delete ended jobs older than this (default ${retentionDefault})`,
  },
  'auto-gc-max-jobs': { kind: 'count', value: 'N', help: 'keep this many of them' },
  'auto-gc-max-bytes': { kind: 'count', value: 'N', help: 'keep this many bytes of them' },
} as const;

export const observationOptions = {
  wait: {
    kind: 'optional',
    value: 'true|false',
    values: ['true', 'false'],
    help: 'observe the job before answering (default true)',
  },
  until: { kind: 'count', value: 'N', help: `observe for at most N seconds (default ${untilDefault})` },
  forever: { kind: 'flag', help: 'observe until the end' },
  'no-wait': { kind: 'flag', help: 'answer at once' },
  'max-bytes': {
    kind: 'count',
    value: 'N',
    help: `bytes of output per stream in the answer (default ${excerptBytes})`,
  },
  ...exitCodeOption,
  ...compressOptions,
  ...collectOptions,
} as const;

type ObservationOptions = Options<typeof observationOptions>;

export function checkObservation(given: ObservationOptions): void {
  if (given.forever && given.until !== undefined) throw new UsageError('--until and --forever exclude each other');
  if ((given.compress ?? given.rtk) !== undefined) compressionMode(given);
}

/** Longest time of a timer, in ms: 24 days. */
const timerMsMax = 2 ** 31 - 1;

/** A deadline in ms; undefined, which is none, for one that no timer can keep. */
export function deadlineMs(seconds: number): number | undefined {
  return seconds * 1000 > timerMsMax ? undefined : seconds * 1000;
}

export interface Observed {
  readonly type: 'run' | 'start' | 'restart';
  readonly given: ObservationOptions;
  readonly jobs: Jobs;
  readonly launched: Launched;
  readonly context: Context;
}

/** Observes as the options say and answers. A job that could not start is an answer, too: its state says why. */
export async function observeAndAnswer({ type, given, jobs, launched, context }: Observed): Promise<Answer> {
  const { job, meta } = launched;
  const observes = given['no-wait'] !== true && given.wait !== false;
  const observedMs = performance.now();
  if (observes && launched.isRunning) context.onWaiting?.(waitingFor(jobs, job));
  const timeoutMs = given.forever ? undefined : deadlineMs(given.until ?? untilDefault);
  const until = given.forever ? {} : { ...(timeoutMs === undefined ? {} : { timeoutMs }), quietMs };
  const { view } = await jobs.observe(launched, observes ? until : { timeoutMs: 0 });
  const waitedMs = observes && launched.isRunning && timeoutMs !== 0 ? Math.round(performance.now() - observedMs) : 0;
  launched.release();
  const heads = headsOf(jobs, job, given['max-bytes'] ?? excerptBytes);
  return {
    type,
    job_id: job.id,
    state: view.status,
    tags: meta.tags,
    ...(meta.env_vars?.length ? { env_vars: meta.env_vars } : {}),
    stdout_log_path: pathOf(job, 'stdout'),
    stderr_log_path: pathOf(job, 'stderr'),
    elapsed_ms: Math.round(performance.now() - context.startedMs),
    waited_ms: waitedMs,
    ...heads,
    ...endingFields(view),
    ...((given.compress ?? given.rtk) === undefined ? {} : compressionFields(given, heads)),
    ...(context.contract === '0.1.18' ? { legacy: legacyOf(jobs, job, given) } : {}),
  };
}

/** 0.1.18 showed the ends of the logs, and told an ending only to who had asked to wait for it. */
const legacyOf = (jobs: Jobs, job: JobDir, given: ObservationOptions): Record<string, unknown> => ({
  waited: given['no-wait'] !== true && (given.wait === true || given.forever === true),
  ...(given['no-wait'] === true || given.wait === false ? {} : { tails: tailsOf(jobs, job, excerptBytes, tailLines) }),
});

/** Directories looked at and jobs deleted in one go (contract, section 7.1). */
const scanDefault = 200;
const deleteDefault = 20;

/** Without options of its own a root is collected at most this often, in ms: looking costs a call its speed. */
const everyMs = 60_000;

type CollectOptions = Options<typeof collectOptions>;

/**
 * Reads the configuration and checks what the options say about collection, before a job is launched: afterwards it is
 * too late for an error. Throws `config_error`, and `internal_error` for a retention that is none.
 */
export async function prepareCollection(given: CollectOptions, { io }: Context, configPath?: string): Promise<Config> {
  const config = await readConfig(io.env, configPath);
  const olderThan = given['auto-gc-older-than'] ?? config.gc.older_than;
  if (olderThan !== undefined) parseRetention(olderThan);
  return config;
}

/** The call, and the jobs of its root. */
interface CollectedPlace {
  readonly context: Context;
  readonly jobs: Pick<Jobs, 'prune'>;
}

/** Deletes old jobs if it is time to. Never fails a call that has launched a job: stderr says what was wrong. */
export function collect(given: CollectOptions, config: Config, place: CollectedPlace): void {
  try {
    collectNow(given, config, place);
  } catch (error) {
    place.context.io.stderr(`warning: old jobs were not collected: ${(error as Error).message}\n`);
  }
}

function collectNow(given: CollectOptions, { gc }: Config, { context: { root }, jobs }: CollectedPlace): void {
  if (given['no-auto-gc']) return;
  const asked = ['auto-gc-older-than', 'auto-gc-max-jobs', 'auto-gc-max-bytes'].some(
    (name) => given[name as keyof CollectOptions] !== undefined,
  );
  if (!asked && !isDue(root)) return;
  if (!asked && gc.auto === false) return;
  const olderThanMs = parseRetention(given['auto-gc-older-than'] ?? gc.older_than ?? retentionDefault);
  touch(root);
  const maxJobs = given['auto-gc-max-jobs'] ?? gc.max_jobs;
  const maxBytes = given['auto-gc-max-bytes'] ?? gc.max_bytes;
  jobs.prune({
    olderThanMs,
    exclusive: true,
    scanMax: gc.scan_limit ?? scanDefault,
    deleteMax: gc.delete_limit ?? deleteDefault,
    ...(maxJobs === undefined ? {} : { maxJobs }),
    ...(maxBytes === undefined ? {} : { maxBytes }),
  });
}

const stampOf = (root: string): string => join(root, '.gc.stamp');

function isDue(root: string): boolean {
  const last = statSync(stampOf(root), { throwIfNoEntry: false })?.mtimeMs;
  return last === undefined || Math.abs(Date.now() - last) > everyMs;
}

function touch(root: string): void {
  const now = new Date();
  try {
    utimesSync(stampOf(root), now, now);
  } catch {
    writeFileSync(stampOf(root), '', { mode: 0o600 });
  }
}
