/** Looking at a job: its observation after a start, and the fields that answers share. */
import {
  type Excerpt,
  type JobDir,
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
import { collectOptions } from './collect.ts';

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
