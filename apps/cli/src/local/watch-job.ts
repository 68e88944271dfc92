/** Following both streams of a job as they grow. */
import { type FSWatcher, watch } from 'node:fs';
import { type JobDir, waitForEnd } from '@kanade/runner';
import type { Io } from '../io.ts';
import { followStream } from './follow-stream.ts';
import { createReaderCheck } from './reader.ts';

/** Slow poll behind the watch, in ms, for file systems where watching does not work. */
const pollMs = 500;

export interface WatchJobOptions {
  readonly io: Io;
  /** The name the program was called by, for what it says itself. */
  readonly program: string;
  /** Lines of the past that are shown first, 0 = all. */
  readonly lines: number;
}

/** Copies what a job prints to our own streams until it has ended, we are asked to leave, or nobody reads them any more. */
export async function watchJob(job: JobDir, { io, program, lines }: WatchJobOptions): Promise<void> {
  const asked = io.signal; // before the first line: who sees it may press Ctrl-C
  const unread = new AbortController();
  const signal = AbortSignal.any([asked, unread.signal]);
  const isReaderGone = createReaderCheck(1);
  const streams = (['stdout', 'stderr'] as const).map((stream) => followStream(job, stream, { io, program, lines }));
  let failure: unknown;
  const copy = (): void => {
    try {
      for (const stream of streams) if (!signal.aborted && stream.copy() === 'unread') unread.abort();
    } catch (error) {
      failure = error;
      unread.abort();
    }
  };
  const poll = setInterval(() => {
    if (isReaderGone()) unread.abort();
    copy();
  }, pollMs);
  const watcher = watchDirectory(job, copy);
  try {
    copy();
    await waitForEnd(job, { signal });
    copy();
    for (const stream of streams) stream.finish();
  } catch (error) {
    if (!signal.aborted) throw error; // else Ctrl-C, or `| head`: the job lives on, and so it was meant
  } finally {
    watcher?.close();
    clearInterval(poll);
  }
  if (failure !== undefined) throw failure;
}

function watchDirectory(job: JobDir, copy: () => void): FSWatcher | undefined {
  try {
    return watch(job.path, copy).on('error', copy);
  } catch {
    return undefined; // the poll alone decides
  }
}
