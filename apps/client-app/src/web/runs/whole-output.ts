import type { OutputPart, OutputQuery } from '@kanade/shared/local';

/** Reads a part of what a run has printed, from the disk of the machine. */
export type AskOutput = (query: OutputQuery) => Promise<OutputPart>;

/** Bytes of one stream that are read for a file; a browser holds them until it has saved them. */
const wholeBytesMax = 256 * 1024 * 1024;

/**
 * Everything that a run has printed up to now, part by part. The end is where the first answer saw it, so that a run that goes on printing
 * is read to an end, too. Rejects as `read` does.
 */
export async function readWholeOutput(read: AskOutput, run_id: string): Promise<readonly string[]> {
  const parts: string[] = [];
  for (const stream of ['stdout', 'stderr'] as const) {
    let from = 0;
    let end = wholeBytesMax;
    do {
      const part = await read({ run_id, stream, from });
      parts.push(part.text);
      end = Math.min(end, part.total_bytes);
      if (part.to <= from) break;
      from = part.to;
    } while (from < end);
  }
  return parts;
}
