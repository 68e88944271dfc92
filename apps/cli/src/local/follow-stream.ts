/** Copying one stream of a job as it grows, without the part that was not kept. */
import { closeSync, fstatSync, readSync } from 'node:fs';
import { type JobDir, JobError, openForReading, pathOf, readOmitted, readTail } from '@kanade/runner';
import type { Io } from '../io.ts';
import { excerptBytes } from './view.ts';

/** Bytes copied in one step. */
const chunkBytes = 64 * 1024;

export interface FollowedStream {
  /** Copies what is new; `unread` when nobody takes it any more. */
  copy(): 'unread' | undefined;
  /** Writes what is left of a character that was cut. */
  finish(): void;
}

export interface FollowStreamOptions {
  readonly io: Io;
  /** The name the program was called by, for what it says itself. */
  readonly program: string;
  /** Lines of the past that are shown first, 0 = all. */
  readonly lines: number;
}

/** A restart takes the log away for a moment before it begins a new one; deleting the job takes it for good. */
function openIfThere(path: string): number | undefined {
  try {
    return openForReading(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new JobError('io_error', `could not read ${path}: ${(cause as Error).message}`, { cause });
  }
}

/** Follows a stream of a job to our own stream of that name. */
export function followStream(
  job: JobDir,
  name: 'stdout' | 'stderr',
  { io, program, lines }: FollowStreamOptions,
): FollowedStream {
  const path = pathOf(job, name);
  let decoder = new TextDecoder();
  let offset = lines === 0 ? 0 : readTail(path, excerptBytes, lines).range[0];
  const put = (text: string): void => {
    if (text !== '') io[name](text);
  };
  /** Goes on behind what is missing, and says so: the cut characters at its edges are no character. */
  const jump = (to: number): void => {
    put(decoder.decode());
    decoder = new TextDecoder();
    io.stderr(`${program}: ${to - offset} bytes of ${name}, from byte ${offset} on, were not kept\n`);
    offset = to;
  };
  /** Copies the next part of an open log; false at its end. */
  const step = (fd: number, bytes: Uint8Array): boolean => {
    const count = readSync(fd, bytes, 0, chunkBytes, offset);
    if (count === 0) return false;
    // Asked after the bytes were read: it is said before a hole is made that output is missing.
    const [from, to] = readOmitted(job)?.[name] ?? [0, 0];
    const kept = offset < to ? Math.max(0, Math.min(count, from - offset)) : count;
    offset += kept;
    put(decoder.decode(bytes.subarray(0, kept), { stream: true }));
    if (kept < count) jump(to);
    return true;
  };
  return {
    copy() {
      const fd = openIfThere(path);
      if (fd === undefined) return undefined;
      try {
        if (fstatSync(fd).size < offset) offset = 0; // restarted: the log begins anew
        const bytes = new Uint8Array(chunkBytes);
        while (step(fd, bytes)) if (io.isUnread?.()) return 'unread';
        return undefined;
      } finally {
        closeSync(fd);
      }
    },
    finish: () => put(decoder.decode()),
  };
}
