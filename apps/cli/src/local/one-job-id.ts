import { UsageError } from '../call/arguments.ts';

/** The single positional word of a command that works on one job. */
export function oneJobId(words: readonly string[]): string {
  const [jobId, extra] = words;
  if (jobId === undefined) throw new UsageError('JOB_ID is missing');
  if (extra !== undefined) throw new UsageError(`unexpected word ${JSON.stringify(extra)}: one JOB_ID is enough`);
  return jobId;
}
