/** What a job printed, read from its files in pieces as it goes into a result. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { limits } from '../limits.ts';
import { withNotes } from './end-of.ts';
import { type ReadFrom, readChunk } from './read-chunk.ts';

export interface OutputSource {
  readonly read: ReadFrom;
  /** Bytes that had been printed when the run ended. */
  readonly bytes: number;
  /** Lines of ours that go behind it. */
  readonly notes: readonly string[];
  /** Above it the middle is left out. @defaultValue `limits.outputBytesMax` */
  readonly bytesMax?: number;
}

/**
 * The output of one stream as UTF-8, what was none replaced: whole up to `bytesMax`, else its first two thirds, a note, and its last
 * third; then the notes. The same files give the same bytes. What cannot be read any more is said in its place. One piece is in
 * memory at a time, and the event loop gets a turn after each.
 */
export async function* outputOf({ read, bytes, notes, bytesMax = limits.outputBytesMax }: OutputSource) {
  const tailBytes = Math.floor(bytesMax / 3);
  const headBytes = bytesMax - tailBytes;
  const parts: readonly (readonly [from: number, to: number])[] =
    bytes <= bytesMax
      ? [[0, bytes]]
      : [
          [0, headBytes],
          [bytes - tailBytes, bytes],
        ];
  let last = '';
  try {
    for (const [index, [from, to]] of parts.entries()) {
      if (index > 0) yield Buffer.from(omission(bytes, { headBytes, tailBytes }));
      for (const text of piecesOf(read, from, to)) {
        if (text === '') continue;
        last = text;
        yield Buffer.from(text);
        await nextTurn();
      }
    }
  } catch (error) {
    notes = [`[kanade] output cannot be read: ${error instanceof Error ? error.message : String(error)}`, ...notes];
  }
  // Where what is printed ends without a newline, the notes begin on a line of their own.
  if (notes.length > 0) yield Buffer.from(withNotes(last.slice(-1), notes).slice(last.slice(-1).length));
}

function omission(bytes: number, { headBytes, tailBytes }: { headBytes: number; tailBytes: number }): string {
  const dropped = bytes - headBytes - tailBytes;
  const kept = `kept the first ${headBytes} and last ${tailBytes}`;
  return `\n[kanade] output truncated: ${bytes} bytes written, ${dropped} dropped (${kept})\n`;
}

/** The bytes `[from, to)` as text, in pieces at whole characters. Throws where they end before. */
function* piecesOf(read: ReadFrom, from: number, to: number): Generator<string, void> {
  for (let at = from; at < to; ) {
    const left = to - at;
    const { text, end } = left <= limits.pieceBytes ? lastOf(read(at, left)) : readChunk(read, at, limits.pieceBytes);
    if (end <= at) throw new Error(`its files hold ${at} of ${to} bytes`);
    yield text;
    at = end;
  }
}

/** At the end of what was printed an incomplete character is one for good. */
const lastOf = ({ text, range }: { text: string; range: readonly [number, number] }) => ({ text, end: range[1] });
