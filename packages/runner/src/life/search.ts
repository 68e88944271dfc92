/**
 * Looking for a line in what a job prints, from a position on. A line is looked at when it is complete, or when nothing more comes; one of
 * more than 64 KiB in pieces. The position only moves by what was looked at: who goes on there misses no line and meets none twice.
 */
import { beginning, cutCharacterBytes, type Position } from '../output/cursor.ts';
import { readBytesFrom } from '../output/excerpt.ts';
import type { LineTest } from '../output/match.ts';
import { type JobDir, type LogStream, limits, logStreams, pathOf, readOmitted } from '../record/layout.ts';
import { type JobChange, type RawPart, type RawReading, readRaw } from './read-on.ts';

/** A line that matches: its text without the newline, and the bytes `[begin, end)` of its stream that it takes, with the newline. */
export interface MatchedOutput {
  readonly stream: LogStream;
  readonly line: string;
  readonly range: readonly [begin: number, end: number];
}

export interface SearchLook {
  /** The last look, with the position behind the last line that was looked at. */
  readonly reading: RawReading;
  readonly matched: MatchedOutput | undefined;
}

/** Bytes of each stream in one step: more than a piece of a line, so that each step goes on. */
const stepBytes = 4 * limits.matchLineBytes;

/** How long one may go on before others have their turn, in ms. */
const turnMs = 10;

/** Looks at all that there is; `matched` is undefined where nothing of it matches. Rejects with the signal's reason on abort. */
export async function searchOn(
  job: JobDir,
  given: Position | undefined,
  { test, signal }: { readonly test: LineTest; readonly signal?: AbortSignal | undefined },
): Promise<SearchLook> {
  let position = given;
  let noticed: RawReading['noticed'];
  const changes: JobChange[] = [];
  let turnEndsMs = performance.now() + turnMs;
  for (;;) {
    const reading = readRaw(job, { given: position, bytesMax: stepBytes });
    noticed = reading.noticed ?? noticed;
    changes.push(...reading.changes);
    const reached = { ...reading.position, stdout: reading.stdout.range[0], stderr: reading.stderr.range[0] };
    const matched = await lookThrough(reading, reached, test);
    const isAll = reached.stdout === reading.position.stdout && reached.stderr === reading.position.stderr;
    if (matched || !reading.more) {
      // The end of the job is told with the last line.
      const told = changes.filter(({ kind }) => isAll || kind !== 'ended');
      reached.changes = told.at(-1)?.number ?? given?.changes ?? 0;
      const ended = reading.ended && isAll;
      return { reading: { ...reading, noticed, changes: told, position: reached, ended }, matched };
    }
    position = reached;
    if (performance.now() < turnEndsMs) continue;
    await new Promise((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
    turnEndsMs = performance.now() + turnMs;
  }
}

/** Moves `reached` behind each line that was looked at. */
async function lookThrough(
  reading: RawReading,
  reached: { stdout: number; stderr: number },
  test: LineTest,
): Promise<MatchedOutput | undefined> {
  for (const stream of logStreams) {
    for (const [begin, end] of linesOf(reading[stream])) {
      const { bytes, range } = reading[stream];
      const line = bytes.toString('utf8', begin, bytes[end - 1] === 10 ? end - 1 : end);
      const at = range[0];
      reached[stream] = at + end;
      if (await test.matches(stream, line)) return { stream, line, range: [at + begin, at + end] };
    }
  }
  return undefined;
}

/** The lines of a part that can be looked at, as `[begin, end)`, with their newlines. */
function* linesOf({ bytes, isLast }: RawPart): Generator<readonly [begin: number, end: number]> {
  let begin = 0;
  while (begin < bytes.length) {
    const newline = bytes.indexOf(10, begin);
    const end = newline < 0 ? bytes.length : newline + 1;
    if (end - begin > limits.matchLineBytes) {
      const piece = bytes.subarray(begin, begin + limits.matchLineBytes);
      yield [begin, begin + piece.length - cutCharacterBytes(piece)];
      begin += piece.length - cutCharacterBytes(piece);
      continue;
    }
    if (newline < 0 && !isLast) return;
    yield [begin, end];
    begin = end;
  }
}

/** Of what was passed since `given` the last `bytesMax` bytes of each stream, for who answers with it. */
export function passedSince(
  job: JobDir,
  given: Position | undefined,
  reading: RawReading,
  bytesMax: number,
): RawReading {
  const isSame = given !== undefined && reading.noticed !== 'restarted';
  const from = isSame ? given : beginning;
  const part = (stream: LogStream): RawPart => {
    const end = reading.position[stream];
    const [gapFrom, gapTo] = readOmitted(job)?.[stream] ?? [0, 0];
    const isGapIn = from[stream] < gapTo && end > gapFrom;
    let begin = Math.min(end, Math.max(from[stream], end - bytesMax, isGapIn ? gapTo : 0));
    const { bytes } = readBytesFrom(pathOf(job, stream), begin, end - begin);
    // A limit that cuts a character leaves all of it out.
    const skip = begin > from[stream] ? restBytes(bytes) : 0;
    begin += skip;
    return {
      ...reading[stream],
      bytes: bytes.subarray(skip),
      range: [begin, end],
      ...(isGapIn ? { omitted: [Math.max(gapFrom, from[stream]), gapTo] } : {}),
    };
  };
  return { ...reading, stdout: part('stdout'), stderr: part('stderr') };
}

/** Bytes at the beginning that belong to a character before it: 0 to 3. */
function restBytes(bytes: Uint8Array): number {
  let count = 0;
  while (count < 3 && ((bytes[count] ?? 0) & 0xc0) === 0x80) count++;
  return count;
}
