/** What a run printed, for the steps behind it: in pieces, with a turn of the event loop between two of them. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { limits } from '../limits.ts';
import { readChunk } from '../report/read-chunk.ts';
import type { JobOutcome } from '../run/model.ts';

/**
 * What was printed on stdout, up to `afterBytesMax` of it. Throws the signal's reason on abort, and what reading throws.
 */
export async function* printedBy(
  { read }: Pick<JobOutcome, 'read'>,
  signal: AbortSignal,
): AsyncGenerator<string, void> {
  for (let at = 0; at < limits.afterBytesMax; ) {
    signal.throwIfAborted();
    const { text, end } = readChunk((from, bytesMax) => read('stdout', from, bytesMax), at, limits.afterPieceBytes);
    if (end === at) return;
    yield text;
    at = end;
    await nextTurn();
  }
}
