/** Following what a job prints, as text, until it has ended. */
import { closeSync, fstatSync, readSync } from 'node:fs';
import { errnoOf, JobError } from '../job-error.ts';
import { openForReading, readTail } from '../output/excerpt.ts';
import { watchPath } from '../record/files.ts';
import { type JobDir, type LogStream, logStreams, pathOf, readOmitted } from '../record/layout.ts';
import { waitForEnd } from './observe.ts';

export interface FollowOptions {
  /** Lines of the past that are shown first; 0 = all, default. */
  readonly lines?: number;
  /** Bytes of the past that are looked at for these lines. */
  readonly bytesMax: number;
  /** Hears of every piece of text; `stop` when nobody takes any more. */
  readonly onText: (stream: LogStream, text: string) => 'stop' | undefined;
  /** Hears of output that was not kept, before what follows it. */
  readonly onGap: (stream: LogStream, gap: { from: number; bytes: number }) => void;
  readonly signal: AbortSignal;
}

/** Bytes that are copied in one step. */
const chunkBytes = 64 * 1024;

/** Slow poll behind the watch, in ms, for file systems where watching does not work. */
const pollMs = 500;

/** Resolves when the job has ended and all is told, on abort, or when nobody takes any more. Throws `io_error`. */
export async function followJob(job: JobDir, options: FollowOptions): Promise<void> {
  const stopped = new AbortController();
  const signal = AbortSignal.any([options.signal, stopped.signal]);
  const streams = logStreams.map((stream) => followStream(job, stream, options));
  let failure: { readonly error: unknown } | undefined;
  const copy = (): void => {
    try {
      for (const stream of streams) if (!signal.aborted && stream.copy() === 'stop') stopped.abort();
    } catch (error) {
      failure = { error };
      stopped.abort();
    }
  };
  const poll = setInterval(copy, pollMs);
  const watcher = watchPath(job.path, copy);
  try {
    copy();
    await waitForEnd(job, { signal });
    copy();
    for (const stream of streams) stream.finish();
  } catch (error) {
    if (!signal.aborted) throw error; // else nobody wants more: the job lives on, and so it was meant
  } finally {
    watcher?.close();
    clearInterval(poll);
  }
  if (failure) throw failure.error;
}

interface FollowedStream {
  /** Copies what is new. */
  copy(): 'stop' | undefined;
  /** Tells what is left of a character that was cut. */
  finish(): void;
}

function followStream(job: JobDir, stream: LogStream, options: FollowOptions): FollowedStream {
  const { lines = 0, bytesMax, onText, onGap } = options;
  const path = pathOf(job, stream);
  let decoder = new TextDecoder();
  let offset = lines === 0 ? 0 : readTail(path, bytesMax, lines).range[0];
  const put = (text: string): 'stop' | undefined => (text === '' ? undefined : onText(stream, text));
  /** Goes on behind what is missing, and says so: the cut characters at its edges are no character. */
  const jump = (to: number): void => {
    put(decoder.decode());
    decoder = new TextDecoder();
    onGap(stream, { from: offset, bytes: to - offset });
    offset = to;
  };
  /** Copies the next part of an open log. */
  const step = (fd: number, bytes: Uint8Array): 'more' | 'all' | 'stop' => {
    const count = readSync(fd, bytes, 0, chunkBytes, offset);
    if (count === 0) return 'all';
    // Asked after the bytes were read: it is said before a hole is made that output is missing.
    const [from, to] = readOmitted(job)?.[stream] ?? [0, 0];
    const kept = offset < to ? Math.max(0, Math.min(count, from - offset)) : count;
    offset += kept;
    const answer = put(decoder.decode(bytes.subarray(0, kept), { stream: true }));
    if (kept < count) jump(to);
    return answer ?? 'more';
  };
  return {
    copy() {
      const fd = openIfThere(path);
      if (fd === undefined) return undefined;
      try {
        if (fstatSync(fd).size < offset) offset = 0; // restarted: the log begins anew
        const bytes = new Uint8Array(chunkBytes);
        let outcome = step(fd, bytes);
        while (outcome === 'more') outcome = step(fd, bytes);
        return outcome === 'stop' ? 'stop' : undefined;
      } finally {
        closeSync(fd);
      }
    },
    finish: () => void put(decoder.decode()),
  };
}

/** A restart takes the log away for a moment before it begins a new one; deleting the job takes it for good. */
function openIfThere(path: string): number | undefined {
  try {
    return openForReading(path);
  } catch (cause) {
    if (errnoOf(cause) === 'ENOENT') return undefined;
    throw new JobError('io_error', `could not read ${path}: ${(cause as Error).message}`, { cause });
  }
}
