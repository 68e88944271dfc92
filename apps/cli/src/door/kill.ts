import type { Jobs } from '@kanade/runner';
import type { Answer } from '../call/command.ts';
import { exitCodeField, reasonOf, signalFields } from './ending.ts';

/** How long the answer waits for the effect of one signal, in ms (contract, section 3.8). */
const observeMs = 3_000;

/** Grace between TERM and KILL, in ms: short enough that the ending stands in the answer. */
const graceMs = 2_000;

export interface KillPlan {
  /** Exactly this signal, by a name that `parseSignal` takes; without one TERM, and 2 s later KILL. */
  readonly signal?: string | undefined;
  /** Answers as soon as the signal is sent. */
  readonly noWait?: boolean | undefined;
  /** Gives up watching the effect. */
  readonly abort?: AbortSignal | undefined;
}

/** Stops a job and everything it started. `id` is one, or the beginning of one. Throws `JobError`. */
export async function answerKill(
  jobs: Jobs,
  id: string,
  { signal, noWait = false, abort }: KillPlan = {},
): Promise<Answer> {
  const job = jobs.find(id);
  const named = { type: 'kill', job_id: job.id, signal: (signal ?? 'TERM').toUpperCase() };
  const startedMs = performance.now();
  const stopped = await jobs.stop(job, {
    by: 'user',
    signal: signal ?? 'TERM',
    only: signal !== undefined || noWait,
    graceMs: noWait ? 0 : signal === undefined ? graceMs : observeMs,
    ...(abort ? { abort } : {}),
  });
  if (noWait) return named;
  const ended = signalFields(stopped.view);
  return {
    ...named,
    state: stopped.view.status,
    ...exitCodeField(stopped.view),
    ...(ended ? { terminated_signal: ended.name, terminated_signal_number: ended.number } : {}),
    observed_within_ms: stopped.report ? Math.round(performance.now() - startedMs) : 0,
    ...(stopped.report ? { mechanism: stopped.report.mechanism, survivors: stopped.report.survivors } : {}),
    ...reasonOf(stopped.view),
  };
}
