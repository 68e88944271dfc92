import { JobError, type Jobs } from '@kanade/runner';
import type { Answer } from '../call/command.ts';
import { endingFields, exitCodeField, reasonOf } from './ending.ts';
import { excerptBytes, tailLines, tailsOf } from './excerpts.ts';
import { turnOfWaiting } from './turn.ts';
import { deadlineMs, type OnWaiting, waitingFor } from './waiting.ts';

/** Seconds that `wait` waits by default (contract, section 3.7). */
export const waitSeconds = 30;

export interface WaitPlan {
  /** Seconds; default {@link waitSeconds}. */
  readonly until?: number | 'forever' | undefined;
  /** Gives up waiting; the job lives on. The wait rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** Tell all that is known of the ending. */
  readonly tellsEnding?: boolean;
  readonly onWaiting?: OnWaiting;
}

/** How a job stands when it has ended, or when the time is over. `id` is one, or the beginning of one. Throws `JobError`. */
export async function answerWait(jobs: Jobs, id: string, plan: WaitPlan = {}): Promise<Answer> {
  const { until = waitSeconds, signal, tellsEnding = false, onWaiting } = plan;
  const job = jobs.find(id);
  onWaiting?.(waitingFor(jobs, job));
  const timeoutMs = until === 'forever' ? undefined : deadlineMs(until);
  const view = await jobs.wait(job, {
    ...(signal ? { signal } : {}),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });
  if (!view.state)
    throw new JobError('internal_error', `job ${job.id} has no readable state.json: nothing to wait for`);
  return {
    type: 'wait',
    job_id: job.id,
    state: view.status,
    ...(tellsEnding ? endingFields(view) : { ...exitCodeField(view), ...reasonOf(view) }),
    ...turnOfWaiting(jobs, view),
    ...tailsOf(jobs, job, excerptBytes, tailLines),
    updated_at: view.state.updated_at,
  };
}
