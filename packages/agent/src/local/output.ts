import { KlpError } from '@kanade/klp';
import type { LocalErrorKind, OutputPart, OutputQuery } from '@kanade/shared/local';
import { limits } from '../limits.ts';
import type { ReadFrom } from '../report/read-chunk.ts';
import { type LookOptions, lookFor } from '../watch/look.ts';
import { type Part, partOf } from '../watch/parts.ts';

/** A part of what a run has printed, from the disk. Throws KlpError `NotFound` when it is not kept any more. */
export function partOfOutput(options: LookOptions, { run_id: runId, stream, from = 0 }: OutputQuery): OutputPart {
  const seen = lookFor(options, { runId });
  const isEnded = seen?.state === 'ended';
  if (!seen?.output) {
    if (seen && !isEnded) return { text: '', from: 0, to: 0, total_bytes: 0, ended: false };
    throw new KlpError('NotFound' satisfies LocalErrorKind, 'what this run printed is not kept any more');
  }
  const { read } = seen.output;
  const readOne = (at: number, bytesMax: number) => read(stream, at, bytesMax);
  const part = fittingPart(readOne, { from, isEnded });
  const { totalBytes } = readOne(part.to, 0);
  return { text: part.text, from: part.from, to: part.to, total_bytes: totalBytes, ended: isEnded };
}

/** As much as one message carries: whoever reads all of it asks seldom, and has requests left for what people press meanwhile. */
function fittingPart(read: ReadFrom, place: { readonly from: number; readonly isEnded: boolean }): Part {
  const [bytesMax, ...smaller] = limits.outputPartBytes;
  let part = partOf(read, { ...place, bytesMax });
  for (const less of smaller) {
    if (Buffer.byteLength(JSON.stringify(part.text)) <= limits.outputPartJsonBytesMax) break;
    part = partOf(read, { ...place, bytesMax: less });
  }
  return part;
}
