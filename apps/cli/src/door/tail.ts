import { type Jobs, pathOf } from '@kanade/runner';
import type { Answer } from '../call/command.ts';
import { excerptBytes, tailLines, tailsOf } from './excerpts.ts';

export interface TailWindow {
  /** Lines per stream, 0 = no limit; default {@link tailLines}. */
  readonly lines?: number | undefined;
  /** Bytes per stream; default {@link excerptBytes}. */
  readonly bytesMax?: number | undefined;
}

/** The end of what a job has printed. `id` is one, or the beginning of one. Throws `JobError`. */
export function answerTail(jobs: Jobs, id: string, window: TailWindow = {}): Answer {
  const { lines = tailLines, bytesMax = excerptBytes } = window;
  const job = jobs.find(id);
  return {
    type: 'tail',
    job_id: job.id,
    ...tailsOf(jobs, job, bytesMax, lines),
    stdout_log_path: pathOf(job, 'stdout'),
    stderr_log_path: pathOf(job, 'stderr'),
  };
}
