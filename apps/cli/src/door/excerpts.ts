/** Output of a job as it stands in an answer: raw text with its byte ranges. */
import type { Excerpt, JobDir, Jobs } from '@kanade/runner';

/** Default bytes per stream in an answer (contract, section 3.2). */
export const excerptBytes = 65_536;

/** Default lines of a tail (contract, section 3.6). */
export const tailLines = 50;

export const headsOf = (jobs: Jobs, job: JobDir, bytesMax: number): Record<string, unknown> =>
  excerptFields(jobs.head(job, 'stdout', bytesMax), jobs.head(job, 'stderr', bytesMax));

export function tailsOf(jobs: Jobs, job: JobDir, bytesMax: number, lines: number): Record<string, unknown> {
  const window = { bytesMax, lines };
  return excerptFields(jobs.tail(job, 'stdout', window), jobs.tail(job, 'stderr', window));
}

function excerptFields(stdout: Excerpt, stderr: Excerpt): Record<string, unknown> {
  return {
    stdout: stdout.text,
    stderr: stderr.text,
    encoding: 'utf-8-lossy',
    stdout_range: stdout.range,
    stderr_range: stderr.range,
    stdout_total_bytes: stdout.totalBytes,
    stderr_total_bytes: stderr.totalBytes,
  };
}
