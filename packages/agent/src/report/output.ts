import type { Excerpt } from '@kanade/runner';
import { limits } from '../limits.ts';

/** Reads one stream of a job from an offset on. */
export type ReadFrom = (from: number, bytesMax: number) => Excerpt;

/**
 * The output of one stream as it goes into a result: whole up to `bytesMax`, else its first two thirds, a note, and its
 * last third. Reads only what it returns.
 */
export function readCapped(read: ReadFrom, bytesMax: number = limits.outputBytesMax): string {
  const tailBytes = Math.floor(bytesMax / 3);
  const headBytes = bytesMax - tailBytes;
  // As one text while it fits, so that a character at the seam survives.
  const whole = read(0, bytesMax);
  if (whole.totalBytes <= bytesMax) return whole.text;
  const head = read(0, headBytes);
  const tail = read(whole.totalBytes - tailBytes, tailBytes);
  const dropped = whole.totalBytes - headBytes - tailBytes;
  const kept = `kept the first ${headBytes} and last ${tailBytes}`;
  return `${head.text}\n[kanade] output truncated: ${whole.totalBytes} bytes written, ${dropped} dropped (${kept})\n${tail.text}`;
}

/** The text up to `bytesMax` bytes of UTF-8, cut between two characters. */
export function cutToBytes(text: string, bytesMax: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= bytesMax) return text;
  let end = bytesMax;
  // A byte of the form 10xxxxxx continues a character: step back to where one begins.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end).toString('utf8');
}

const cutNote = '\n...[truncated: output exceeded 256 KiB]\n';

/** The output of one stream as it goes into the last push of a run. */
export function cutForPush(text: string): string {
  let bytesMax: number = limits.pushOutputBytesMax;
  let cut = cutToBytes(text, bytesMax);
  // Control characters take six bytes each in JSON; the message has a cap of its own.
  while (Buffer.byteLength(JSON.stringify(cut)) > limits.pushOutputJsonBytesMax) {
    bytesMax = Math.floor(bytesMax * 0.75);
    cut = cutToBytes(text, bytesMax);
  }
  return cut.length === text.length ? text : `${cut}${cutNote}`;
}

/** New output from `begin` on, at most one chunk; `end` is where the next one begins. */
export function readChunk(read: ReadFrom, begin: number): { text: string; end: number; totalBytes: number } {
  const part = read(begin, limits.pushChunkBytesMax);
  const end = part.range[1];
  // The last character may be incomplete so far: leave up to three bytes for the next chunk. Bytes that never become one pass.
  for (let held = 1; held <= 3 && part.text.endsWith('\ufffd') && end - held >= begin; held++) {
    const shorter = read(begin, end - held - begin);
    if (!shorter.text.endsWith('\ufffd')) {
      return { text: shorter.text, end: end - held, totalBytes: part.totalBytes };
    }
  }
  return { text: part.text, end: Math.max(begin, end), totalBytes: part.totalBytes };
}
