/** Reading a log: a part of it at the cost of that part, whatever its size, or line by line as it grows. */
import { closeSync, constants, fdatasync, fstatSync, openSync, readSync } from 'node:fs';
import { errnoOf, JobError } from '../job-error.ts';
import { limits } from '../record/layout.ts';

/** A part of a log: text as lossy UTF-8, `[begin, end)` in bytes, and the size of the whole log. */
export interface Excerpt {
  readonly text: string;
  readonly range: readonly [number, number];
  readonly totalBytes: number;
}

const none: Excerpt = { text: '', range: [0, 0], totalBytes: 0 };

/**
 * Opens a file of a job for reading. A symbolic link is refused (`ELOOP`): it could lead to what the job itself may not read,
 * but its reader may. A pipe in its place reads as empty and keeps nobody waiting.
 */
export const openForReading = (path: string): number =>
  openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)); // none on Windows

/** The bytes from `begin` on, at most `bytesMax`. A missing file reads as empty. */
export function readFrom(path: string, begin: number, bytesMax: number): Excerpt {
  return withFile(path, (fd, size) => {
    const from = Math.min(begin, size);
    return excerptOf(readRange(fd, from, Math.min(bytesMax, size - from)), from, size);
  });
}

/** Has what stands in a file written to its disk, off the event loop. A file that is not there is none the worse. */
export async function flushFile(path: string): Promise<void> {
  let fd: number;
  try {
    fd = openForReading(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return;
    throw error;
  }
  try {
    // Not by node:util: it costs every call a millisecond.
    await new Promise<void>((resolve, reject) => fdatasync(fd, (error) => (error ? reject(error) : resolve())));
  } finally {
    closeSync(fd);
  }
}

/** A part of a log as it stands there, and the size of the whole. */
interface LogBytes {
  readonly bytes: Buffer;
  readonly totalBytes: number;
}

/** The bytes from `begin` on, at most `bytesMax`, as they stand there. */
export function readBytesFrom(path: string, begin: number, bytesMax: number): LogBytes {
  let bytes: Buffer = Buffer.alloc(0);
  const { totalBytes } = withFile(path, (fd, size) => {
    const from = Math.min(begin, size);
    bytes = readRange(fd, from, Math.min(bytesMax, size - from));
    return { ...none, totalBytes: size };
  });
  return { bytes, totalBytes };
}

/**
 * The last `lines` lines within the last `bytesMax` bytes (0 = no line limit). A trailing newline is no line of its own; a
 * line that the window cuts counts as one.
 */
export function readTail(path: string, bytesMax: number, lines: number): Excerpt {
  const { bytes, begin, totalBytes } = readTailBytes(path, bytesMax, lines);
  return excerptOf(bytes, begin, totalBytes);
}

/** The same as bytes, and where they begin. */
export function readTailBytes(path: string, bytesMax: number, lines: number): LogBytes & { begin: number } {
  let [bytes, begin]: [Buffer, number] = [Buffer.alloc(0), 0];
  const { totalBytes } = withFile(path, (fd, size) => {
    const windowBegin = Math.max(0, size - Math.min(bytesMax, limits.excerptBytes));
    const window = readRange(fd, windowBegin, size - windowBegin);
    const skip = lines === 0 ? 0 : lastLinesBegin(window, lines);
    [bytes, begin] = [window.subarray(skip), windowBegin + skip];
    return { ...none, totalBytes: size };
  });
  return { bytes, begin, totalBytes };
}

/** Offset at which the last `lines` lines of `bytes` begin. */
export function lastLinesBegin(bytes: Uint8Array, lines: number): number {
  let newline = bytes.length - (bytes.at(-1) === 10 ? 1 : 0);
  for (let found = 0; found < lines; found++) {
    newline = newline === 0 ? -1 : bytes.lastIndexOf(10, newline - 1);
    if (newline < 0) return 0;
  }
  return newline + 1;
}

function withFile(path: string, read: (fd: number, size: number) => Excerpt): Excerpt {
  let fd: number;
  try {
    fd = openForReading(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return none;
    if (errnoOf(error) === undefined) throw error;
    throw new JobError('io_error', `could not read ${path}: ${(error as Error).message}`, { cause: error });
  }
  try {
    const size = fstatSync(fd).size;
    return size === 0 ? none : read(fd, size);
  } finally {
    closeSync(fd);
  }
}

function readRange(fd: number, begin: number, wanted: number): Buffer {
  const length = Math.min(wanted, limits.excerptBytes);
  const bytes = Buffer.allocUnsafe(length);
  let have = 0;
  while (have < length) {
    const count = readSync(fd, bytes, have, length - have, begin + have);
    if (count === 0) break; // the file was truncated meanwhile
    have += count;
  }
  return bytes.subarray(0, have);
}

const excerptOf = (bytes: Buffer, begin: number, totalBytes: number): Excerpt => ({
  text: bytes.toString('utf8'),
  range: [begin, begin + bytes.length],
  totalBytes,
});

const chunkBytes = 64 * 1024;

export interface LineFollower {
  /** Bytes that have been given out as lines: where the next follower goes on. */
  readonly offset: number;
  /** Complete lines since the last call, without their newline; with `last` also an unfinished one. */
  read(last?: boolean): Generator<string>;
}

/** Follows a file from a byte offset. A line longer than `lineBytesMax` is given out in pieces. */
export function followLines(path: string, from: number, lineBytesMax: number): LineFollower {
  let offset = from;
  return {
    get offset() {
      return offset;
    },
    *read(last = false) {
      for (;;) {
        const bytes = readAt(path, offset, Math.max(chunkBytes, lineBytesMax + 1));
        if (bytes.length === 0) return;
        let begin = 0;
        for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, begin)) {
          offset += end - begin + 1;
          yield bytes.toString('utf8', begin, end);
          begin = end + 1;
        }
        const rest = bytes.length - begin;
        const isCut = rest > lineBytesMax || (last && rest > 0 && begin === 0);
        if (isCut) {
          offset += rest;
          yield bytes.toString('utf8', begin);
        } else if (begin === 0) return; // an unfinished line: wait for the rest of it
      }
    },
  };
}

function readAt(path: string, position: number, length: number): Buffer {
  let fd: number;
  try {
    fd = openForReading(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
  try {
    const bytes = Buffer.allocUnsafe(length);
    return bytes.subarray(0, readSync(fd, bytes, 0, length, position));
  } finally {
    closeSync(fd);
  }
}
