/** What a job printed, read from its files in pieces as it goes into a result. */
import { isUtf8 } from 'node:buffer';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { limits } from '../limits.ts';
import { withNotes } from './end-of.ts';

/** Reads one stream of a job from an offset on, as it stands there. */
export type ReadBytes = (from: number, bytesMax: number) => { readonly bytes: Uint8Array; readonly totalBytes: number };

export interface OutputSource {
  readonly read: ReadBytes;
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
  let endsLine = true;
  try {
    for (const [index, [from, to]] of parts.entries()) {
      if (index > 0) yield Buffer.from(omission(bytes, { headBytes, tailBytes }));
      for (const piece of piecesOf(read, from, to)) {
        endsLine = piece.at(-1) === newline;
        yield piece;
        await nextTurn();
      }
    }
  } catch (error) {
    notes = [`[kanade] output cannot be read: ${error instanceof Error ? error.message : String(error)}`, ...notes];
  }
  if (notes.length > 0) yield Buffer.from(`${endsLine ? '' : '\n'}${withNotes('', notes)}`);
}

const newline = 10;

function omission(bytes: number, { headBytes, tailBytes }: { headBytes: number; tailBytes: number }): string {
  const dropped = bytes - headBytes - tailBytes;
  const kept = `kept the first ${headBytes} and last ${tailBytes}`;
  return `\n[kanade] output truncated: ${bytes} bytes written, ${dropped} dropped (${kept})\n`;
}

/** The bytes `[from, to)` as UTF-8, in pieces at whole characters. Throws where they end before. */
function* piecesOf(read: ReadBytes, from: number, to: number): Generator<Uint8Array, void> {
  for (let at = from; at < to; ) {
    const { bytes } = read(at, Math.min(limits.pieceBytes, to - at));
    if (bytes.length === 0) throw new Error(`its files hold ${at} of ${to} bytes`);
    // At the end of what was printed an incomplete character is one for good.
    const held = at + bytes.length < to ? incomplete(bytes) : 0;
    const piece = bytes.subarray(0, bytes.length - held);
    at += piece.length;
    // Most is UTF-8 and goes as it is.
    yield isUtf8(piece) ? piece : Buffer.from(Buffer.from(piece).toString('utf8'));
  }
}

/** Bytes at the end that begin a character whose rest is not there; it is read again with that. */
function incomplete(bytes: Uint8Array): number {
  for (let held = 1; held <= 3 && held < bytes.length; held++) {
    const byte = bytes[bytes.length - held] ?? 0;
    if ((byte & 0xc0) === 0x80) continue; // goes on with one
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > held ? held : 0;
  }
  return 0;
}
