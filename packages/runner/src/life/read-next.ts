/** Waiting for what a job prints or becomes, from a cursor on. */
import { statSync } from 'node:fs';
import { parseCursor } from '../output/cursor.ts';
import { createLineTest, type LineMatch } from '../output/match.ts';
import type { JobDir } from '../record/layout.ts';
import { jobFiles, logStreams, pathOf } from '../record/layout.ts';
import type { Lookout, Post } from './lookout.ts';
import { watchForEnd } from './observe.ts';
import { asText, type JobReading, type ReadOptions, readOn } from './read-on.ts';
import type { Poll } from './rounds.ts';
import { type MatchedOutput, passedSince, searchOn } from './search.ts';

export interface ReadNextOptions extends ReadOptions {
  /** What is waited for. `news`, default: whatever a reading from the cursor on would tell. `end`: the end of the job. */
  readonly until?: 'news' | 'end' | undefined;
  /**
   * Wait for a line that matches, from the cursor on, instead. The reading then has the last `bytesMax` bytes of each stream before its
   * cursor, which stands behind the line that matched, or behind all lines that did not.
   */
  readonly match?: LineMatch | undefined;
  /** Answer after so many ms with what there is then; default: never. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface NextReading extends JobReading {
  /** The first line that matches; undefined where none was printed. */
  readonly matched?: MatchedOutput;
}

/**
 * Resolves with a reading when there is what is waited for, when the job has ended or nothing can be known about it any more, or when the
 * time is over. Rejects with the signal's reason on abort, and with `invalid_pattern`, and as `readOn` throws.
 */
export async function readNext(job: JobDir, options: ReadNextOptions, lookout: Lookout): Promise<NextReading> {
  // Who reads on and on what a job prints without a pause leaves the others their turn.
  await new Promise((resolve) => setImmediate(resolve));
  options.signal?.throwIfAborted();
  using post = lookout.post(job);
  const reading = await soughtIn(options)(post, options, lookout.poll);
  return { ...reading, view: { ...reading.view, job } };
}

const soughtIn = ({ match, until }: ReadNextOptions) => (match ? readMatch : until === 'end' ? readEnd : readNews);

async function readEnd(post: Post, { timeoutMs, signal, ...from }: ReadNextOptions, poll: Poll): Promise<JobReading> {
  if (from.cursor !== undefined) parseCursor(post.job, from.cursor); // a refusal comes before the wait
  await watchForEnd(post.job, { timeoutMs, signal, poll, watch: post.watch });
  return readOn(post.job, from);
}

/** Whether a reading tells anything; the end of a job that was told is told to whoever asks again. */
export const hasNews = ({ stdout, stderr, changes, noticed, ended }: JobReading): boolean =>
  ended ||
  noticed !== undefined ||
  changes.length > 0 ||
  [stdout, stderr].some((part) => part.text !== '' || part.omitted);

const readNews = (post: Post, options: ReadNextOptions, poll: Poll): Promise<JobReading> =>
  lookUntil(post, { ...options, poll }, (isLast) => {
    const reading = readOn(post.job, options);
    return isLast || hasNews(reading) ? reading : undefined;
  });

function readMatch(
  post: Post,
  { cursor, bytesMax, match, ...options }: ReadNextOptions,
  poll: Poll,
): Promise<NextReading> {
  const { job } = post;
  const test = createLineTest(match as LineMatch);
  const given = cursor === undefined ? undefined : parseCursor(job, cursor);
  let position = given;
  let isNew = false;
  return lookUntil(post, { ...options, poll }, async (isLast) => {
    const { reading, matched } = await searchOn(job, position, { test, signal: options.signal });
    position = reading.position;
    isNew ||= reading.noticed === 'restarted';
    if (!matched && !isLast && !reading.ended) return undefined;
    const passed = passedSince(job, isNew ? undefined : given, reading, bytesMax);
    return { ...asText(job, passed), ...(isNew ? { noticed: 'restarted' } : {}), ...(matched ? { matched } : {}) };
  });
}

interface Looking extends Pick<ReadNextOptions, 'timeoutMs' | 'signal'> {
  readonly poll: Poll;
}

/** How long output may lie unseen while more is printed, in ms: a job that prints without a pause would wake us for each line. */
const lookPauseMs = 10;

/**
 * Looks until a look has an answer: at once, whenever something was printed, and at the end of the job or the time, when it is the last
 * look and has to have one. One look at a time.
 */
async function lookUntil<T>(
  { job, watch }: Post,
  { timeoutMs, signal, poll }: Looking,
  look: (isLast: boolean) => T | undefined | Promise<T | undefined>,
): Promise<T> {
  const first = await look(timeoutMs === 0);
  if (first !== undefined) return first;
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const over = new AbortController();
  const names: readonly (string | null)[] = [null, jobFiles.stdout, jobFiles.stderr, jobFiles.state];
  const bytesNow = (): string =>
    logStreams.map((stream) => statSync(pathOf(job, stream), { throwIfNoEntry: false })?.size).join();
  let [isLast, isLooking, hasStirred, seen] = [false, false, false, ''];
  const lookOn = async (): Promise<void> => {
    while (hasStirred && !over.signal.aborted) {
      hasStirred = false;
      seen = bytesNow();
      const found = await look(isLast);
      if (found !== undefined) return resolve(found);
      if (!isLast) await new Promise((done) => setTimeout(done, lookPauseMs));
    }
  };
  const stir = (): void => {
    hasStirred = true;
    if (isLooking) return;
    isLooking = true;
    lookOn().then(() => {
      isLooking = false;
    }, reject);
  };
  const end = (): void => {
    isLast = true;
    stir();
  };
  const unwatch = watch('directory', (name) => names.includes(name) && stir());
  const endPoll = poll(() => bytesNow() !== seen && stir());
  watchForEnd(job, {
    timeoutMs,
    signal: AbortSignal.any([over.signal, ...(signal ? [signal] : [])]),
    poll,
    watch,
  }).then(end, reject);
  stir(); // it may have come before the watch
  try {
    return await promise;
  } finally {
    over.abort();
    unwatch();
    endPoll();
  }
}
