/**
 * The host watches over running jobs: it enforces deadlines and settles what has ended. It owns no pipe and is
 * nobody's parent in earnest: when it dies the jobs run on, and the next host adopts what it finds.
 */
import { statSync } from 'node:fs';
import { isTerminal } from '@kanade/shared/job';
import type { JobDefinition } from '../job/definition.ts';
import { type LaunchedJob, launchJob } from '../job/launch.ts';
import { type JobDir, pathOf } from '../job/layout.ts';
import { notifyCompletion } from '../job/notify.ts';
import { waitForEnd } from '../job/observe.ts';
import { readMeta } from '../job/record.ts';
import { type JobView, settle } from '../job/settle.ts';
import { type StopOptions, type StopOutcome, stopJob } from '../job/stop.ts';
import { watchOutput } from './watch-output.ts';

/** What the host reports. `trouble` is something that it could not do; the job goes on. */
export type HostEvent =
  | { readonly kind: 'ended'; readonly view: JobView }
  | { readonly kind: 'timed_out'; readonly job: JobDir; readonly outcome: StopOutcome }
  | {
      readonly kind: 'trouble';
      readonly job: JobDir;
      readonly during: 'watch' | 'timeout' | 'log-limit';
      readonly error: unknown;
    };

export interface HostOptions {
  readonly root: string;
  readonly onEvent?: (event: HostEvent) => void;
}

export interface Host extends AsyncDisposable {
  /** Makes, starts and watches over a job. Throws as `launchJob` does. */
  launch(definition: JobDefinition, env: Readonly<Record<string, string | undefined>>): LaunchedJob;
  /** Watches over a job that somebody else started. Adopting twice is the same as once. */
  adopt(job: JobDir): Promise<JobView>;
  /** Stops a job's tree; see `stopJob`. */
  stop(job: JobDir, options: StopOptions): Promise<StopOutcome>;
  /** How many jobs are under watch. */
  readonly size: number;
}

/** The longest delay that a timer takes, in ms; longer deadlines are waited for in pieces. */
const timerMs = 2_147_483_647;

/** Builds a host for one root inside this process. Closing it stops watching and leaves every job running. */
export function createHost({ root, onEvent = () => undefined }: HostOptions): Host {
  const watched = new Map<string, Promise<JobView>>();
  const closing = new AbortController();

  const watchOver = async (job: JobDir): Promise<JobView> => {
    const over = new AbortController();
    const signal = AbortSignal.any([closing.signal, over.signal]);
    const deadline = enforceDeadline(job, signal, onEvent);
    const logLimit = enforceLogLimit(job, signal, onEvent);
    const output = watchOutput(job);
    try {
      const view = await waitForEnd(job, { signal: closing.signal });
      await output.finish();
      if (isTerminal(view.status)) {
        await notifyCompletion(job, view);
        onEvent({ kind: 'ended', view });
      }
      return view;
    } catch (error) {
      if (!closing.signal.aborted) onEvent({ kind: 'trouble', job, during: 'watch', error });
      throw error;
    } finally {
      output.close();
      over.abort();
      await Promise.all([deadline, logLimit]);
      watched.delete(job.id);
    }
  };

  const adopt = (job: JobDir): Promise<JobView> => {
    const known = watched.get(job.id);
    if (known) return known;
    const watching = watchOver(job);
    watching.catch(() => undefined); // reported as an event; adopters that await it see it too
    watched.set(job.id, watching);
    return watching;
  };

  return {
    get size() {
      return watched.size;
    },
    adopt,
    launch(definition, env) {
      const launched = launchJob(root, definition, env);
      adopt(launched.job).catch(() => undefined); // as above
      return launched;
    },
    stop: stopJob,
    async [Symbol.asyncDispose]() {
      closing.abort(new Error('the host is closing'));
      await Promise.allSettled(watched.values());
    },
  };
}

/** Stops the job at its deadline. Resolves when that is done or when there is no need for it any more. */
async function enforceDeadline(job: JobDir, signal: AbortSignal, onEvent: (event: HostEvent) => void): Promise<void> {
  const meta = readMeta(job);
  if (!meta || meta.timeout_ms === 0) return;
  const view = settle(job);
  const dueMs = (view.state?.started_at_ms ?? Date.now()) + meta.timeout_ms;
  try {
    for (let leftMs = dueMs - Date.now(); leftMs > 0; leftMs = dueMs - Date.now()) {
      await sleep(Math.min(leftMs, timerMs), signal);
    }
    const outcome = await stopJob(job, { by: 'timeout', graceMs: meta.kill_after_ms, abort: signal });
    onEvent({ kind: 'timed_out', job, outcome });
  } catch (error) {
    if (!signal.aborted) onEvent({ kind: 'trouble', job, during: 'timeout', error });
  }
}

/** How often the logs of a job with a limit are measured, in ms. */
const measureEveryMs = 100;

/** Stops the job when its logs outgrow their limit. Resolves when that is done or when there is no need for it any more. */
async function enforceLogLimit(job: JobDir, signal: AbortSignal, onEvent: (event: HostEvent) => void): Promise<void> {
  const meta = readMeta(job);
  const limit = meta?.log_bytes_max;
  if (!meta || !limit) return;
  const sizeOf = (file: 'stdout' | 'stderr'): number =>
    statSync(pathOf(job, file), { throwIfNoEntry: false })?.size ?? 0;
  try {
    while (sizeOf('stdout') + sizeOf('stderr') <= limit) await sleep(measureEveryMs, signal);
    await stopJob(job, { by: 'shutdown', graceMs: meta.kill_after_ms, logLimit: limit, abort: signal });
  } catch (error) {
    if (!signal.aborted) onEvent({ kind: 'trouble', job, during: 'log-limit', error });
  }
}

function sleep(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    }, delayMs);
    signal.aborted ? onAbort() : signal.addEventListener('abort', onAbort, { once: true });
  });
}
