import { type Jobs, type Launched, pathOf } from '@kanade/runner';
import type { Answer } from '../call/command.ts';
import { endingFields } from './ending.ts';
import { excerptBytes, headsOf } from './excerpts.ts';
import { turnFields } from './turn.ts';
import { type BeforeReading, deadlineMs, type OnWaiting, waitingFor } from './waiting.ts';

/** Seconds that a job is observed by default (contract, section 3.2). */
export const observeSeconds = 10;

/** A job that has printed something and then nothing for so long, in ms, is answered for while it runs on. */
const quietMs = 1_000;

export interface ObserveLaunch {
  readonly type: 'run' | 'start' | 'restart';
  /** When the call began, on the `performance.now()` clock, in ms. */
  readonly startedMs: number;
  /** Gives up observing; the job lives on. It rejects with its reason, and the launch is still to be released. */
  readonly signal?: AbortSignal | undefined;
  /** Seconds of observation; `none` answers at once, `forever` with the ending alone. Default {@link observeSeconds}. */
  readonly until?: number | 'none' | 'forever' | undefined;
  /** Bytes of output per stream; default {@link excerptBytes}. */
  readonly bytesMax?: number | undefined;
  readonly onWaiting?: OnWaiting;
  readonly beforeReading?: BeforeReading;
}

/** Observes a job that was just launched and answers. One that could not start is an answer, too: its state says why. */
export async function answerLaunched(jobs: Jobs, launched: Launched, observed: ObserveLaunch): Promise<Answer> {
  const { job, meta } = launched;
  const { type, startedMs, until = observeSeconds, bytesMax = excerptBytes, onWaiting, beforeReading } = observed;
  const observes = until !== 'none';
  const isOpen = launched.isRunning || launched.isWaiting === true;
  const observedMs = performance.now();
  if (observes && isOpen) onWaiting?.(waitingFor(jobs, job));
  const timeoutMs = typeof until === 'number' ? deadlineMs(until) : undefined;
  const enough = until === 'forever' ? {} : { ...(timeoutMs === undefined ? {} : { timeoutMs }), quietMs };
  const { view } = await jobs.observe(launched, observes ? { ...enough, signal: observed.signal } : { timeoutMs: 0 });
  const waitedMs = observes && isOpen && timeoutMs !== 0 ? Math.round(performance.now() - observedMs) : 0;
  launched.release();
  if (beforeReading) await beforeReading();
  return {
    type,
    job_id: job.id,
    state: view.status,
    tags: meta.tags,
    ...(meta.env_vars?.length ? { env_vars: meta.env_vars } : {}),
    stdout_log_path: pathOf(job, 'stdout'),
    stderr_log_path: pathOf(job, 'stderr'),
    elapsed_ms: Math.round(performance.now() - startedMs),
    waited_ms: waitedMs,
    ...headsOf(jobs, view, bytesMax),
    ...endingFields(view),
    ...turnFields(meta, view.status === 'created' ? jobs.describe(job).place : undefined),
  };
}
