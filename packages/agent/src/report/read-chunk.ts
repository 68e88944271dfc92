/** Text from a file that grows or is long, in pieces at whole characters. */
import type { Excerpt } from '@kanade/runner';

/** Reads one stream of a job from an offset on. */
export type ReadFrom = (from: number, bytesMax: number) => Excerpt;

/** What stands from `begin` on, at most `bytesMax` bytes and at least 4; `end` is where the next part begins. */
export function readChunk(
  read: ReadFrom,
  begin: number,
  bytesMax: number,
): { text: string; end: number; totalBytes: number } {
  const part = read(begin, bytesMax);
  const { text, totalBytes } = part;
  const end = Math.max(begin, part.range[1]);
  if (!text.endsWith('\ufffd')) return { text, end, totalBytes };
  // The last character may be incomplete so far: its bytes, up to three, are left for the next part. The beginning of a
  // character reads as one sign, bytes that are none as one each.
  const isOne = (held: number): boolean => end - held >= begin && read(end - held, held).text === '\ufffd';
  const held = [3, 2, 1].find(isOne) ?? 0;
  return { text: held === 0 ? text : text.slice(0, -1), end: end - held, totalBytes };
}
