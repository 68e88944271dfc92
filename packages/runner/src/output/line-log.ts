/**
 * `full.log`: both streams as lines for people, `<timestamp> [STDOUT|STDERR] <text>` each. A view; the raw logs are the truth.
 *
 * One writes at a time, under a lock, and goes on where the log ends: that a line of a stream is a line of the log says
 * how far each stream was copied. So that nobody has to count from the beginning of a long log, `full.offsets` says it of a place
 * not far from its end: `<bytes of full.log> <bytes of stdout> <bytes of stderr>`; damaged or missing, all lines are counted.
 */
import { closeSync, constants, ftruncateSync, openSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { wholeSecond } from '@kanade/shared/job-words';
import { takeClaim } from '../record/files.ts';
import { readSmallFile } from '../record/layout.ts';
import { followLines, type LineFollower } from './excerpt.ts';

/** Bytes of one line of the combined log; a longer one is cut into several. */
const lineBytesMax = 64 * 1024;

/** Text that is collected before it is written, in characters. */
const batchLength = 64 * 1024;

/** Bytes of a line of the combined log: its text may have grown threefold where it was no UTF-8, and a prefix stands before. */
const writtenLineBytes = 4 * lineBytesMax;

/** Bytes that are copied before it is noted how far. */
const notedEveryBytes = 1024 * 1024;

const marks = { stdout: '[STDOUT]', stderr: '[STDERR]' } as const;
type Stream = keyof typeof marks;
const streams = ['stdout', 'stderr'] as const;

/** Characters of a timestamp and the blank behind it, which stand before the mark of a stream. */
const stampLength = '1970-01-01T00:00:00Z '.length;

/** A combined log and what it is made of. */
export interface LineLogFiles {
  readonly stdout: string;
  readonly stderr: string;
  readonly full: string;
  readonly offsets: string;
  readonly lock: string;
  /** Parts `[from, to)` of the raw logs that are not kept. */
  readonly omitted: { readonly [name in Stream]?: readonly [from: number, to: number] };
  /** Bytes of one stream that are shown; a note says when there is more. */
  readonly bytesMax: number;
}

export interface LineLogLook {
  /** The time that new lines are given, in ms since 1970. */
  readonly atMs: number;
  /** All has been printed: an unfinished line is a line, too. */
  readonly last: boolean;
  /** Bytes of each stream that this look copies at most. */
  readonly bytesMax: number;
}

export interface LineLog {
  /**
   * Copies what is new; costs two looks at file sizes when nothing is. `behind`: there is more than one look copies. `busy`:
   * somebody else writes. Throws what the system says.
   */
  look(look: LineLogLook): 'done' | 'behind' | 'busy';
}

/** `filesNow` is asked when there is something to copy. */
export function createLineLog(logs: Pick<LineLogFiles, Stream>, filesNow: () => LineLogFiles): LineLog {
  let copy: Copy | undefined;
  let seenBytes = 0;
  let isBehind = false;
  return {
    look(look) {
      const bytes = sizeOf(logs.stdout) + sizeOf(logs.stderr);
      if (bytes === 0 || (bytes === seenBytes && !isBehind && !look.last)) return 'done';
      const files = filesNow();
      using lock = takeClaim(files.lock);
      if (!lock) return 'busy';
      if (!copy || copy.position !== sizeOf(files.full)) copy = openCopy(files);
      isBehind = copyLines(files, copy, look);
      seenBytes = bytes;
      return isBehind ? 'behind' : 'done';
    },
  };
}

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

interface Source {
  readonly stream: Stream;
  readonly lines: LineFollower;
  /** Bytes of the stream that are shown. */
  readonly bytesMax: number;
  isFull: boolean;
}

/** How far a combined log was written, and its streams were read. */
interface Copy {
  position: number;
  noted: number;
  readonly sources: readonly Source[];
}

function openCopy(files: LineLogFiles): Copy {
  const from = readOffsets(files);
  const written = countLines(files.full, from.full);
  const sources = streams.map((stream): Source => {
    const lines = followLines(files[stream], from[stream], lineBytesMax);
    const bytesMax = Math.min(files.bytesMax, files.omitted[stream]?.[0] ?? Number.POSITIVE_INFINITY);
    const source = { stream, lines, bytesMax, isFull: from[stream] >= bytesMax };
    skipLines(source, written[stream]);
    return source;
  });
  return { position: written.bytes, noted: from.full, sources };
}

/** Copies what a look may; true when there is more. */
function copyLines(files: LineLogFiles, copy: Copy, { atMs, last, bytesMax }: LineLogLook): boolean {
  const fd = openForWriting(files.full);
  let isBehind = false;
  try {
    for (const source of copy.sources) {
      const stopAt = source.lines.offset + bytesMax;
      for (const batch of batchesOf(source, wholeSecond(atMs), { last, stopAt })) {
        copy.position += writeAt(fd, batch, copy.position);
      }
      isBehind ||= !source.isFull && source.lines.offset >= stopAt;
    }
    ftruncateSync(fd, copy.position); // the half line of a writer that was cut off
  } finally {
    closeSync(fd);
  }
  if (copy.position - copy.noted >= notedEveryBytes) noteOffsets(files, copy);
  return isBehind;
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

/** Lines per stream that stand in a combined log behind an offset, and the offset at which its whole lines end. */
function countLines(path: string, from: number): Record<Stream, number> & { bytes: number } {
  const counts = { stdout: 0, stderr: 0 };
  if (sizeOf(path) <= from) return { ...counts, bytes: from };
  const lines = followLines(path, from, writtenLineBytes);
  for (const line of lines.read()) {
    for (const stream of streams) if (line.startsWith(marks[stream], stampLength)) counts[stream]++;
  }
  return { ...counts, bytes: lines.offset };
}

function readOffsets(files: LineLogFiles): { full: number; stdout: number; stderr: number } {
  const beginning = { full: 0, stdout: 0, stderr: 0 };
  const [full = 0, stdout = 0, stderr = 0, ...more] = (readSmallFile(files.offsets) ?? '').split(' ').map(Number);
  const isSound =
    more.length === 0 && [full, stdout, stderr].every((offset) => Number.isSafeInteger(offset) && offset >= 0);
  const isThere = full <= sizeOf(files.full) && stdout <= sizeOf(files.stdout) && stderr <= sizeOf(files.stderr);
  return isSound && isThere ? { full, stdout, stderr } : beginning;
}

function noteOffsets(files: LineLogFiles, copy: Copy): void {
  const [stdout, stderr] = copy.sources.map(({ lines }) => lines.offset);
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | (constants.O_NOFOLLOW ?? 0); // none on Windows
  const fd = openSync(files.offsets, flags, 0o600);
  try {
    writeFileSync(fd, `${copy.position} ${stdout} ${stderr}`);
  } finally {
    closeSync(fd);
  }
  copy.noted = copy.position;
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
