/** Parts of what a stream of a job holds, cut between characters. */
import { type ReadFrom, readChunk } from '../report/read-chunk.ts';

export interface Part {
  readonly text: string;
  readonly from: number;
  readonly to: number;
  /** Nothing more can be read now. */
  readonly isLast: boolean;
}

interface PartRequest {
  /** Undefined: what fits of the end. */
  readonly from: number | undefined;
  readonly bytesMax: number;
  /** Nothing comes any more: what is left is no beginning of a character. */
  readonly isEnded: boolean;
}

/** A part of the output of one stream. */
export function partOf(read: ReadFrom, { from, bytesMax, isEnded }: PartRequest): Part {
  const { totalBytes } = read(Number.MAX_SAFE_INTEGER, 0);
  // Who has more than there is has seen another file.
  const begin = from === undefined ? beginOfEnd(read, totalBytes, bytesMax) : Math.min(from, totalBytes);
  const part = readChunk(read, begin, bytesMax);
  const left = part.totalBytes - part.end;
  if (isEnded && left > 0 && left < 4 && part.end - begin + left <= bytesMax + 3) {
    const rest = read(part.end, left);
    return { text: part.text + rest.text, from: begin, to: rest.range[1], isLast: true };
  }
  return { text: part.text, from: begin, to: part.end, isLast: left < 4 };
}

/** Where the last `bytesMax` bytes begin, behind a character that they would cut. */
function beginOfEnd(read: ReadFrom, totalBytes: number, bytesMax: number): number {
  const begin = Math.max(0, totalBytes - bytesMax);
  if (begin === 0) return 0;
  const whole = [0, 1, 2, 3].find((skipped) => !read(begin + skipped, 4).text.startsWith('\ufffd'));
  return begin + (whole ?? 0);
}
