/** Output of a job as it stands in an answer: raw text with its byte ranges. */
import type { HeadReading, JobChange, JobDir, JobReading, Jobs, JobView, ReadOptions } from '@kanade/runner';
import { wholeSecond } from '@kanade/shared/job-words';

/** Default bytes per stream in an answer (contract, section 3.2). */
export const excerptBytes = 65_536;

/** Default lines of a tail (contract, section 3.6). */
export const tailLines = 50;

/** The beginning of what a job has printed that stands as `view` says, and the cursor of who comes back. */
export const headsOf = (jobs: Jobs, view: JobView, bytesMax: number): Record<string, unknown> =>
  excerptFields(jobs.readHead(view.job, view, bytesMax));

function excerptFields({ stdout, stderr, cursor }: HeadReading): Record<string, unknown> {
  return {
    stdout: stdout.text,
    stderr: stderr.text,
    encoding: 'utf-8-lossy',
    stdout_range: stdout.range,
    stderr_range: stderr.range,
    stdout_total_bytes: stdout.totalBytes,
    stderr_total_bytes: stderr.totalBytes,
    ...(stdout.omitted ? { stdout_omitted: stdout.omitted } : {}),
    ...(stderr.omitted ? { stderr_omitted: stderr.omitted } : {}),
    cursor,
  };
}

/** Where a look begins: behind what an earlier answer told, or so many lines before the end. */
export interface LookFrom {
  /** `cursor` of an earlier answer about the job. */
  readonly cursor?: string | undefined;
  /** Lines per stream of who has no cursor, 0 = no limit. */
  readonly lines: number;
  /** Bytes per stream. */
  readonly bytesMax: number;
}

export const readOptions = ({ cursor, lines, bytesMax }: LookFrom): ReadOptions => ({
  cursor,
  tailLines: lines,
  bytesMax,
});

/** Output, and the cursor of who comes back. Who came with one hears, too, what became of the job, and whether there is more right now. */
export function readingFields(reading: JobReading, { cursor }: Pick<LookFrom, 'cursor'>): Record<string, unknown> {
  const { changes, noticed, more, ended } = reading;
  return {
    ...excerptFields(reading),
    ...(cursor === undefined ? {} : { events: changes.map(eventOf), more, ended }),
    ...(noticed ? { noticed } : {}),
  };
}

/** The end of what a job has printed, as answers show it. */
export const tailsOf = (jobs: Jobs, job: JobDir): Record<string, unknown> =>
  readingFields(jobs.read(job, { tailLines, bytesMax: excerptBytes }), {});

const eventOf = (change: JobChange): Record<string, unknown> => ({
  event: change.kind,
  at: change.kind === 'started' ? wholeSecond(change.atMs) : change.at,
});
