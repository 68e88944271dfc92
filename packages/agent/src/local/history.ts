/** The endings of runs that somebody may have missed, as pushes. */
import type { Jobs } from '@kanade/runner';
import type { JobProgress } from '@kanade/shared/local';
import { limits } from '../limits.ts';
import { readChunk } from '../report/read-chunk.ts';
import type { Registry } from '../run/supervise.ts';
import type { FindEnded, PastRun } from '../store/find-run.ts';
import { cutNote } from './cut-for-push.ts';

export interface HistoryOptions {
  readonly findEnded: FindEnded;
  readonly registry: Pick<Registry, 'get'>;
  readonly jobs: Pick<Jobs, 'at' | 'readText'>;
}

/**
 * The newest runs of a user that ended since `sinceMs` (ms since 1970; at most a day ago), the oldest first, each with the beginning of
 * what it printed. One whose end is about to be pushed is left out.
 */
export type History = (owner: string, sinceMs: number) => Iterable<JobProgress>;

export const createHistory =
  ({ findEnded, registry, jobs }: HistoryOptions): History =>
  (owner, sinceMs) => {
    const fromMs = Math.max(sinceMs, Date.now() - limits.missedMs);
    return findEnded(owner, fromMs, limits.missedRunsMax)
      .filter(({ run }) => !registry.get(run.run_id))
      .map(({ jobId, manifestId, run }) => ({ ...run, job_id: manifestId, ...outputOf(jobs, jobId) }));
  };

function outputOf(jobs: HistoryOptions['jobs'], jobId: PastRun['jobId']): Partial<JobProgress> {
  const job = jobId === undefined ? undefined : jobs.at(jobId);
  if (!job) return {};
  const part = (stream: 'stdout' | 'stderr'): { text: string; isCut: boolean } => {
    try {
      const read = (from: number, bytesMax: number) => jobs.readText(job, stream, { from, bytesMax });
      const { text, end, totalBytes } = readChunk(read, 0, limits.missedOutputBytesMax);
      const isCut = totalBytes - end > 3;
      return { text: isCut ? `${text}${cutNote(limits.missedOutputBytesMax)}` : text, isCut };
    } catch {
      return { text: '', isCut: false }; // the directory goes before its row
    }
  };
  const [stdout, stderr] = [part('stdout'), part('stderr')];
  return {
    ...(stdout.text === '' ? {} : { stdout_chunk: stdout.text, stdout_from: 0 }),
    ...(stderr.text === '' ? {} : { stderr_chunk: stderr.text, stderr_from: 0 }),
    ...(stdout.isCut || stderr.isCut ? { truncated: true } : {}),
  };
}
