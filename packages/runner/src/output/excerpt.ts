/** Reading a part of a log at the cost of that part, whatever the log's size. */
import { closeSync, fstatSync, readSync } from 'node:fs';
import { errnoOf, JobError } from '../job/job-error.ts';
import { limits } from '../job/layout.ts';
import { openForReading } from '../job/replace-file.ts';

/** A part of a log: text as lossy UTF-8, `[begin, end)` in bytes, and the size of the whole log. */
export interface Excerpt {
  readonly text: string;
  readonly range: readonly [number, number];
  readonly totalBytes: number;
}

const none: Excerpt = { text: '', range: [0, 0], totalBytes: 0 };

/** The first `bytesMax` bytes. A missing file reads as empty. */
export function readHead(path: string, bytesMax: number): Excerpt {
  return withFile(path, (fd, size) => excerptOf(readRange(fd, 0, Math.min(bytesMax, size)), 0, size));
}

/** The bytes from `begin` on, at most `bytesMax`. */
export function readFrom(path: string, begin: number, bytesMax: number): Excerpt {
  return withFile(path, (fd, size) => {
    const from = Math.min(begin, size);
    return excerptOf(readRange(fd, from, Math.min(bytesMax, size - from)), from, size);
  });
}

/**
 * The last `lines` lines within the last `bytesMax` bytes (0 = no line limit). A trailing newline is no line of its own; a
 * line that the window cuts counts as one.
 */
export function readTail(path: string, bytesMax: number, lines: number): Excerpt {
  return withFile(path, (fd, size) => {
    const windowBegin = Math.max(0, size - Math.min(bytesMax, limits.excerptBytes));
    const bytes = readRange(fd, windowBegin, size - windowBegin);
    const skip = lines === 0 ? 0 : lastLinesBegin(bytes, lines);
    return excerptOf(bytes.subarray(skip), windowBegin + skip, size);
  });
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
