/** Following a growing log line by line, in bounded memory, from wherever a former follower stopped. */
import { closeSync, readSync } from 'node:fs';
import { errnoOf } from '../job/job-error.ts';
import { openForReading } from '../job/replace-file.ts';

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
