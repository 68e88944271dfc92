/** Observing a fresh job and answering for it: what `run`, `start` and `restart` share. */
import { type JobDir, type Jobs, type Launched, pathOf } from '@kanade/runner';
import { type Answer, type Context, type Options, UsageError } from '../call/command.ts';
import { compressionFields, compressionMode, compressOptions } from '../compress/compress.ts';
import { collectOptions } from './collect.ts';
import { endingOf, excerptBytes, headsOf, tailLines, tailsOf, waitingFor } from './view.ts';

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
  const waitedMs = observes && launched.isRunning ? Math.round(performance.now() - observedMs) : 0;
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
    ...endingOf(view),
    ...((given.compress ?? given.rtk) === undefined ? {} : compressionFields(given, heads)),
    ...(context.contract === '0.1.18' ? { legacy: legacyOf(jobs, job, given) } : {}),
  };
}

/** 0.1.18 showed the ends of the logs, and told an ending only to who had asked to wait for it. */
const legacyOf = (jobs: Jobs, job: JobDir, given: ObservationOptions): Record<string, unknown> => ({
  waited: given['no-wait'] !== true && (given.wait === true || given.forever === true),
  ...(given['no-wait'] === true || given.wait === false ? {} : { tails: tailsOf(jobs, job, excerptBytes, tailLines) }),
});
