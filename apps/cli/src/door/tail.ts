import { type Jobs, pathOf } from '@kanade/runner';
import type { Answer } from '../call/command.ts';
import { excerptBytes, type LookFrom, readingFields, readOptions, tailLines } from './excerpts.ts';

/** Lines per stream, default {@link tailLines}; bytes per stream, default {@link excerptBytes}; or what came since a cursor. */
export type TailWindow = Partial<{ readonly [K in keyof LookFrom]: LookFrom[K] | undefined }>;

/** The end of what a job has printed, or what it has printed since. `id` is one, or the beginning of one. Throws `JobError`. */
export function answerTail(jobs: Jobs, id: string, window: TailWindow = {}): Answer {
  const { cursor, lines = tailLines, bytesMax = excerptBytes } = window;
  const job = jobs.find(id);
  const reading = jobs.read(job, readOptions({ cursor, lines, bytesMax }));
  return {
    type: 'tail',
    job_id: job.id,
    ...readingFields(reading, { cursor }),
    stdout_log_path: pathOf(job, 'stdout'),
    stderr_log_path: pathOf(job, 'stderr'),
  };
}
