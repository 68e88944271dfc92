/** `full.log`: both streams as lines for people. A view; the raw logs are the truth. */
import { closeSync, constants, ftruncateSync, openSync, statSync, writeSync } from 'node:fs';
import { wholeSecond } from '@kanade/shared/job-words';
import { followLines, type LineFollower } from './excerpt.ts';

/** Bytes of one stream that the combined log shows; the raw log has everything. */
const streamBytesMax = 4 * 1024 * 1024;

/** Bytes of one line of the combined log; a longer one is cut into several. */
const lineBytesMax = 64 * 1024;

/** Text that is collected before it is written, in characters. */
const batchLength = 64 * 1024;

/** Bytes of a stream that one look at a running job copies: more waits for the next look, and nobody for us. */
const bytesPerLook = 256 * 1024;

/** Bytes of a line of the combined log: its text may have grown threefold where it was no UTF-8, and a prefix stands before. */
const writtenLineBytes = 4 * lineBytesMax;

const marks = { stdout: '[STDOUT]', stderr: '[STDERR]' } as const;
type Stream = keyof typeof marks;
const streams = ['stdout', 'stderr'] as const;

/** Characters of a timestamp and the blank behind it, which stand before the mark of a stream. */
const stampLength = wholeSecond(0).length + 1;

/** A combined log and what it is made of. */
export interface LineLogFiles {
  readonly stdout: string;
  readonly stderr: string;
  readonly full: string;
  /** Parts `[from, to)` of the raw logs that are not kept. */
  readonly omitted: { readonly [name in Stream]?: readonly [from: number, to: number] };
}

/**
 * Completes the combined log of a job that has ended: `<timestamp> [STDOUT|STDERR] <text>` per line, behind what was
 * written while it ran. Each stream contributes at most {@link streamBytesMax}; a note says when there is more.
 * Everybody who does it at the same time writes the same bytes to the same place.
 */
export function completeLineLog(files: LineLogFiles, { atMs, last }: { atMs: number; last: boolean }): void {
  if (printedBytes(files) > 0) openLineLog(files).write(atMs, last); // else the empty file of the launch says so
}

/** Copies the lines of a running job as they come, so that a reader of the combined log sees them, and when they came. */
export interface LineLogCopy {
  /** Copies what is new; costs two looks at file sizes when nothing is. Throws what the system says. */
  look(): void;
}

/** `filesNow` is asked when there is something to copy. */
export function copyLines(logs: Pick<LineLogFiles, Stream>, filesNow: () => LineLogFiles): LineLogCopy {
  let log: LineLog | undefined;
  let seenBytes = 0;
  let isFull = false;
  return {
    look() {
      if (isFull) return;
      const bytes = printedBytes(logs);
      if (bytes === seenBytes && !log?.isBehind) return;
      seenBytes = bytes;
      log ??= openLineLog(filesNow());
      log.write(Date.now(), false);
      isFull = log.isFull;
    },
  };
}

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

const printedBytes = ({ stdout, stderr }: Pick<LineLogFiles, Stream>): number => sizeOf(stdout) + sizeOf(stderr);

interface LineLog {
  /** True when both streams have shown all that they may. */
  readonly isFull: boolean;
  /** True when a look had more to copy than one look may. */
  readonly isBehind: boolean;
  write(atMs: number, last: boolean): void;
}

interface Source {
  readonly stream: Stream;
  readonly lines: LineFollower;
  /** Bytes of the stream that are shown. */
  readonly bytesMax: number;
  isFull: boolean;
}

/** Goes on where the log ends: that a line of a stream is a line of the log says how far each stream was copied. */
function openLineLog(files: LineLogFiles): LineLog {
  const path = files.full;
  const written = countLines(path);
  const sources = streams.map((stream): Source => {
    const lines = followLines(files[stream], 0, lineBytesMax);
    const bytesMax = Math.min(streamBytesMax, files.omitted[stream]?.[0] ?? Number.POSITIVE_INFINITY);
    const source = { stream, lines, bytesMax, isFull: false };
    skipLines(source, written[stream]);
    return source;
  });
  let position = written.bytes;
  let isBehind = false;
  return {
    get isFull() {
      return sources.every(({ isFull }) => isFull);
    },
    get isBehind() {
      return isBehind;
    },
    write(atMs, last) {
      isBehind = false;
      const fd = openForWriting(path);
      try {
        for (const source of sources) {
          const stopAt = last ? Number.POSITIVE_INFINITY : source.lines.offset + bytesPerLook;
          for (const batch of batchesOf(source, wholeSecond(atMs), { last, stopAt })) {
            position += writeAt(fd, batch, position);
          }
          isBehind ||= source.lines.offset >= stopAt;
        }
        if (last) ftruncateSync(fd, position); // the half line of a writer that was cut off
      } finally {
        closeSync(fd);
      }
    },
  };
}

/** What a stream has to add, in pieces that are worth a write. */
function* batchesOf(
  source: Source,
  stamp: string,
  { last, stopAt }: { last: boolean; stopAt: number },
): Generator<string> {
  if (source.isFull) return;
  const prefix = `${stamp} ${marks[source.stream]} `;
  let batch = '';
  for (const line of source.lines.read(last)) {
    batch += `${prefix}${line}\n`;
    source.isFull = source.lines.offset >= source.bytesMax;
    if (source.isFull)
      batch += `${prefix}[kanade] the combined log shows the first ${source.lines.offset} bytes of this stream\n`;
    if (batch.length >= batchLength) {
      yield batch;
      batch = '';
    }
    if (source.isFull || source.lines.offset >= stopAt) break;
  }
  if (batch !== '') yield batch;
}

function skipLines(source: Source, count: number): void {
  if (count === 0) return;
  let left = count;
  for (const _line of source.lines.read(true)) {
    source.isFull = source.lines.offset >= source.bytesMax;
    left--;
    if (source.isFull || left === 0) return;
  }
}

/** Lines per stream that stand in a combined log, and the bytes of its whole lines. */
function countLines(path: string): Record<Stream, number> & { bytes: number } {
  const counts = { stdout: 0, stderr: 0 };
  if (sizeOf(path) === 0) return { ...counts, bytes: 0 };
  const lines = followLines(path, 0, writtenLineBytes);
  for (const line of lines.read()) {
    for (const stream of streams) if (line.startsWith(marks[stream], stampLength)) counts[stream]++;
  }
  return { ...counts, bytes: lines.offset };
}

/**
 * Only a file that is there: it is the last one of a launch, and says that a state has been written. A link or a pipe in its
 * place is refused: who planted it wants us to write elsewhere, or to wait for ever.
 */
const openForWriting = (path: string): number =>
  openSync(path, constants.O_WRONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)); // none on Windows

/** A file takes all of a text or says why not; a nearly full disk takes a part first. */
function writeAt(fd: number, text: string, position: number): number {
  const bytes = Buffer.from(text);
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(fd, bytes, done, bytes.length - done, position + done);
  }
  return bytes.length;
}
