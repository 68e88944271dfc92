import type { JobProgress, RunStatus } from '@kanade/shared/local';
import { isEnded } from '@kanade/shared/local-words';
import { appendOutput, emptyOutput, finalOutput, type Output, resumeOutput } from './output.ts';

/** One run as the page shows it. Server and page fold the same pushes into it, so that both agree. */
export interface Run {
  readonly run_id: string;
  readonly job_id?: string;
  readonly status: RunStatus;
  readonly started_at: string;
  readonly finished_at?: string;
  readonly exit_code?: number;
  /** Somebody asked for its stop and it has not ended yet. */
  readonly stopping: boolean;
  /** The line to the agent broke since its last push. */
  readonly isInterrupted: boolean;
  readonly stdout: Output;
  readonly stderr: Output;
}

/** A run nothing is known of but that it was asked for at `at` (RFC 3339). */
export function newRun(run_id: string, at: string, job_id?: string): Run {
  const run: Run = {
    run_id,
    status: 'queued',
    started_at: at,
    stopping: false,
    isInterrupted: false,
    stdout: emptyOutput,
    stderr: emptyOutput,
  };
  return job_id === undefined ? run : { ...run, job_id };
}

/**
 * The run after one push that arrived at `at` (RFC 3339). Deltas append; the last push carries the full output and
 * replaces it. A delta that comes after the end is late and changes nothing.
 */
export function applyProgress(run: Run, progress: JobProgress, at: string): Run {
  const ending = isEnded(progress.status);
  if (isEnded(run.status) && !ending) return run;
  const take = ending ? finalOutput : run.isInterrupted ? resumeOutput : appendOutput;
  const next: Run = {
    ...run,
    status: progress.status === 'unknown' ? run.status : progress.status,
    job_id: progress.job_id ?? run.job_id,
    started_at: progress.started_at ?? run.started_at,
    isInterrupted: false,
    stdout: take(run.stdout, progress.stdout_chunk ?? ''),
    stderr: take(run.stderr, progress.stderr_chunk ?? ''),
  };
  if (!ending) return next;
  return { ...next, stopping: false, exit_code: progress.exit_code, finished_at: progress.finished_at ?? at };
}
