/** Observing a fresh job and answering for it: what `run`, `start` and `restart` share. */
import {
  createJob,
  encloseJobs,
  type JobDefinition,
  type JobDir,
  type JobError,
  jobDir,
  type LaunchedJob,
  launchJob,
  observeStart,
  pathOf,
  readMeta,
  settle,
  startJob,
} from '@kanade/runner';
import { ensureHost, markForCare } from '@kanade/runner/host';
import { encloseAfterMs, selfCommand } from '@kanade/runner/process';
import { isTerminal } from '@kanade/shared/job-words';
import { type Answer, type Context, type Options, UsageError } from '../call/command.ts';
import { compressionFields, compressionMode, compressOptions } from '../compress/compress.ts';
import type { Io } from '../io.ts';
import { collectOptions } from './collect.ts';
import { endingOf, excerptBytes, headsOf, tailLines, tailsOf, waitingFor } from './view.ts';

/** Seconds that a job is observed by default (contract, section 3.2). */
const untilDefault = 10;

/** A job that has printed something and then nothing for so long, in ms, is answered for while it runs on. */
const quietMs = 1_000;

/** A job that is still observed after so long, in ms, gets a host that enforces the limit of its logs. */
const careAfterMs = 1_000;

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
  readonly job: JobDir;
  readonly launched: LaunchedJob | undefined;
  readonly context: Context;
}

/** Observes as the options say and answers. `launched` is undefined for a job that could not start: its state says why. */
export async function observeAndAnswer({ type, given, job, launched, context }: Observed): Promise<Answer> {
  const observes = given['no-wait'] !== true && given.wait !== false;
  const observedMs = performance.now();
  if (observes && launched) {
    context.onWaiting?.(waitingFor(job));
    const timeoutMs = given.forever ? undefined : deadlineMs(given.until ?? untilDefault);
    const timers = [
      setTimeout(() => void encloseJobs([job]).catch(() => undefined), encloseAfterMs), // the host tries again
      setTimeout(() => handOverIfRoom(context.root, job), careAfterMs),
    ];
    await observeStart(launched, given.forever ? {} : { ...(timeoutMs === undefined ? {} : { timeoutMs }), quietMs });
    for (const timer of timers) clearTimeout(timer);
  }
  const waitedMs = observes ? Math.round(performance.now() - observedMs) : 0;
  const view = settle(job);
  if (!isTerminal(view.status)) handOver(context.root, job);
  launched?.release();
  const meta = readMeta(job);
  const heads = headsOf(job, given['max-bytes'] ?? excerptBytes);
  return {
    type,
    job_id: job.id,
    state: view.status,
    tags: meta?.tags ?? [],
    ...(meta?.env_vars?.length ? { env_vars: meta.env_vars } : {}),
    stdout_log_path: pathOf(job, 'stdout'),
    stderr_log_path: pathOf(job, 'stderr'),
    elapsed_ms: Math.round(performance.now() - context.startedMs),
    waited_ms: waitedMs,
    ...heads,
    ...endingOf(view),
    ...((given.compress ?? given.rtk) === undefined ? {} : compressionFields(given, heads)),
    ...(context.contract === '0.1.18' ? { legacy: legacyOf(job, given) } : {}),
  };
}

/** 0.1.18 showed the ends of the logs, and told an ending only to who had asked to wait for it. */
const legacyOf = (job: JobDir, given: ObservationOptions): Record<string, unknown> => ({
  waited: given['no-wait'] !== true && (given.wait === true || given.forever === true),
  ...(given['no-wait'] === true || given.wait === false ? {} : { tails: tailsOf(job, excerptBytes, tailLines) }),
});

/** A job and, unless the system could not start it, its launch. */
export interface Started {
  readonly job: JobDir;
  readonly launched: LaunchedJob | undefined;
}

/**
 * Makes and starts a job whose deadline and sinks are in the host's hands before the first process exists: they hold even
 * if this call is killed right now. A job that cannot start is an answer, not an error: its state says why.
 */
export function runCared(root: string, definition: JobDefinition, env: Io['env']): Started {
  if (definition.timeoutMs || definition.notification) {
    const { job } = createJob(root, definition);
    return startCared(root, job, () => startJob(job, env));
  }
  try {
    const launched = launchJob(root, definition, env);
    return { job: launched.job, launched };
  } catch (error) {
    const { code, details } = error as JobError;
    const id = (details as { job_id?: string } | undefined)?.job_id;
    if (code !== 'launch_failed' || id === undefined || !hasFailed(jobDir(root, id))) throw error;
    return { job: jobDir(root, id), launched: undefined };
  }
}

/** The same for a job that there is. */
export function startCared(root: string, job: JobDir, start: () => LaunchedJob): Started {
  const meta = readMeta(job);
  if (meta && (meta.timeout_ms > 0 || meta.notification)) handOver(root, job);
  return { job, launched: failedIsAnswer(job, start) };
}

/** On a full disk no state says why a job could not start: then that is an error after all. */
export const hasFailed = (job: JobDir): boolean => settle(job).status === 'failed';

/** Undefined when the system could not start the job; every other failure is thrown. */
export function failedIsAnswer(job: JobDir, start: () => LaunchedJob): LaunchedJob | undefined {
  try {
    return start();
  } catch (error) {
    if ((error as JobError).code === 'launch_failed' && hasFailed(job)) return undefined;
    throw error;
  }
}

/** The same where it may wait: the job is handed over once more at the end of its observation. */
function handOverIfRoom(root: string, job: JobDir): void {
  try {
    handOver(root, job);
  } catch {
    // a full disk: said at the end, if it still is one
  }
}

/** Gives a job into the care of the root's host: deadlines, sinks and endings no longer depend on this call. */
export function handOver(root: string, job: JobDir): void {
  markForCare(root, job);
  ensureHost(root, [...selfCommand(), '_host', '--root', root]);
}
