import { JobError, type Jobs, type LineMatch, type MatchedOutput, type NextReading } from '@kanade/runner';
import type { Answer } from '../call/command.ts';
import { endingFields, exitCodeField, reasonOf } from './ending.ts';
import { excerptBytes, readingFields, readOptions, tailLines } from './excerpts.ts';
import { turnOfWaiting } from './turn.ts';
import { type BeforeReading, deadlineMs, type OnWaiting, waitingFor } from './waiting.ts';

/** Seconds that `wait` waits by default (contract, section 3.7). */
export const waitSeconds = 30;

export interface WaitPlan {
  /** Seconds; default {@link waitSeconds}. */
  readonly until?: number | 'forever' | undefined;
  /** What came since that answer is in this one; a match is looked for behind it. Default: the last lines, and a match anywhere. */
  readonly cursor?: string | undefined;
  /** Answer as soon as a line matches. */
  readonly match?: LineMatch | undefined;
  /** Gives up waiting; the job lives on. The wait rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** Tell all that is known of the ending. */
  readonly tellsEnding?: boolean;
  readonly onWaiting?: OnWaiting;
  readonly beforeReading?: BeforeReading;
}

/**
 * How a job stands when it has ended, when it has printed a line that matches, or when the time is over. `id` is one, or the beginning of
 * one. Throws `JobError`.
 */
export async function answerWait(jobs: Jobs, id: string, plan: WaitPlan = {}): Promise<Answer> {
  const { until = waitSeconds, cursor, match, signal, tellsEnding = false, onWaiting, beforeReading } = plan;
  const job = jobs.find(id);
  onWaiting?.(waitingFor(jobs, job));
  const timeoutMs = until === 'forever' ? undefined : deadlineMs(until);
  const from = readOptions({ cursor, lines: tailLines, bytesMax: excerptBytes });
  // Who answers for many reads no output before it may.
  const isReadLater = beforeReading !== undefined && match === undefined;
  const waitedFrom = isReadLater ? { ...from, bytesMax: 0 } : from;
  const waited = await jobs.readNext(job, { ...waitedFrom, until: 'end', match, timeoutMs, signal });
  if (beforeReading) await beforeReading();
  const reading: NextReading = isReadLater ? jobs.read(job, from) : waited;
  const { view } = reading;
  if (!view.state)
    throw new JobError('internal_error', `job ${job.id} has no readable state.json: nothing to wait for`);
  return {
    type: 'wait',
    job_id: job.id,
    state: view.status,
    ...(tellsEnding ? endingFields(view) : { ...exitCodeField(view), ...reasonOf(view) }),
    ...turnOfWaiting(jobs, view),
    ...readingFields(reading, { cursor }),
    ...(match ? { matched: reading.matched ? matchedFields(reading.matched) : null } : {}),
    updated_at: view.state.updated_at,
  };
}

const matchedFields = ({ stream, line, range }: MatchedOutput): Record<string, unknown> => ({
  stream,
  line,
  offset: range[0],
});
