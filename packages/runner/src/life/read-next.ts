/** Waiting for what a job prints or becomes, from a cursor on. */
import { holdJob, watchPath } from '../record/files.ts';
import { type JobDir, jobFiles } from '../record/layout.ts';
import { watchForEnd } from './observe.ts';
import { type JobReading, type ReadOptions, readOn } from './read-on.ts';
import type { Poll } from './rounds.ts';

export interface ReadNextOptions extends ReadOptions {
  /** What is waited for. `news`, default: whatever a reading from the cursor on would tell. `end`: the end of the job. */
  readonly until?: 'news' | 'end';
  /** Answer after so many ms with what there is then; default: never. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Resolves with a reading when there is what is waited for, when the job has ended or nothing can be known about it any more, or when the
 * time is over. Rejects with the signal's reason on abort, and as `readOn` throws.
 */
export async function readNext(job: JobDir, options: ReadNextOptions, poll: Poll): Promise<JobReading> {
  const held = holdJob(job);
  try {
    const reading = await (options.until === 'end' ? readAtEnd : readAtNews)(held.job, options, poll);
    return { ...reading, view: { ...reading.view, job } };
  } finally {
    held.release();
  }
}

const readAtEnd = async (
  job: JobDir,
  { timeoutMs, signal, ...from }: ReadNextOptions,
  poll: Poll,
): Promise<JobReading> => {
  readOn(job, { ...from, bytesMax: 0 }); // for its errors
  await watchForEnd(job, { timeoutMs, signal, poll });
  return readOn(job, from);
};

const hasNews = ({ stdout, stderr, changes, noticed, ended }: JobReading): boolean =>
  ended ||
  noticed !== undefined ||
  changes.length > 0 ||
  [stdout, stderr].some((part) => part.text !== '' || part.omitted);

async function readAtNews(
  job: JobDir,
  { timeoutMs, signal, ...from }: ReadNextOptions,
  poll: Poll,
): Promise<JobReading> {
  signal?.throwIfAborted();
  const first = readOn(job, from);
  if (hasNews(first) || timeoutMs === 0) return first;
  const names: readonly (string | null)[] = [null, jobFiles.stdout, jobFiles.stderr, jobFiles.state];
  const { promise, resolve, reject } = Promise.withResolvers<JobReading>();
  const look = (): void => {
    try {
      const reading = readOn(job, from);
      if (hasNews(reading)) resolve(reading);
    } catch (error) {
      reject(error);
    }
  };
  const over = new AbortController();
  const watcher = watchPath(job.path, (name) => names.includes(name) && look());
  const endPoll = poll(look);
  const ended = AbortSignal.any([over.signal, ...(signal ? [signal] : [])]);
  watchForEnd(job, { timeoutMs, signal: ended, poll })
    .then(() => resolve(readOn(job, from)))
    .catch(reject);
  try {
    return await promise;
  } finally {
    over.abort();
    watcher?.close();
    endPoll();
  }
}
