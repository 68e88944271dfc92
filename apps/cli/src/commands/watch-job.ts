/** Following both streams of a job as they grow. */
import { closeSync, type FSWatcher, fstatSync, openSync, readSync, watch } from 'node:fs';
import { type JobDir, type JobFile, pathOf, readTail, waitForEnd } from '@kanade/runner';
import type { Io } from '../io.ts';
import { excerptBytes } from '../view.ts';

/** Bytes copied in one step. */
const chunkBytes = 64 * 1024;

/** Slow poll behind the watch, in ms, for file systems where watching does not work. */
const pollMs = 500;

export interface WatchJobOptions {
  readonly io: Io;
  /** Lines of the past that are shown first, 0 = all. */
  readonly lines: number;
}

/** Copies what a job prints to our own streams until it has ended or we are asked to leave. */
export async function watchJob(job: JobDir, { io, lines }: WatchJobOptions): Promise<void> {
  const { signal } = io; // before the first line: who sees it may press Ctrl-C
  const streams = [
    followStream(job, 'stdout', { write: io.stdout, lines }),
    followStream(job, 'stderr', { write: io.stderr, lines }),
  ];
  const copy = (): void => {
    for (const stream of streams) stream.copy();
  };
  const poll = setInterval(copy, pollMs);
  const watcher = watchDirectory(job, copy);
  try {
    copy();
    await waitForEnd(job, { signal });
    copy();
    for (const stream of streams) stream.finish();
  } catch (error) {
    if (!signal.aborted) throw error; // Ctrl-C: the job lives on, and so it was meant
  } finally {
    watcher?.close();
    clearInterval(poll);
  }
}

function watchDirectory(job: JobDir, copy: () => void): FSWatcher | undefined {
  try {
    return watch(job.path, copy).on('error', copy);
  } catch {
    return undefined; // the poll alone decides
  }
}

interface Stream {
  /** Copies what is new. */
  copy(): void;
  /** Writes what is left of a character that was cut. */
  finish(): void;
}

function followStream(
  job: JobDir,
  file: JobFile & ('stdout' | 'stderr'),
  { write, lines }: { write(text: string): void; lines: number },
): Stream {
  const path = pathOf(job, file);
  const decoder = new TextDecoder();
  let offset = lines === 0 ? 0 : readTail(path, excerptBytes, lines).range[0];
  const put = (text: string): void => {
    if (text !== '') write(text);
  };
  return {
    copy() {
      const fd = openSync(path, 'r');
      try {
        if (fstatSync(fd).size < offset) offset = 0; // restarted: the log begins anew
        const bytes = new Uint8Array(chunkBytes);
        for (let count = readSync(fd, bytes, 0, chunkBytes, offset); count > 0; ) {
          offset += count;
          put(decoder.decode(bytes.subarray(0, count), { stream: true }));
          count = readSync(fd, bytes, 0, chunkBytes, offset);
        }
      } finally {
        closeSync(fd);
      }
    },
    finish: () => put(decoder.decode()),
  };
}
