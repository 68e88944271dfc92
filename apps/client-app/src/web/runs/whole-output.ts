import type { OutputPart, OutputQuery } from '@kanade/shared/local';
import { ApiError } from '../api/api.ts';

/** Reads a part of what a run has printed, from the disk of the machine. */
export type AskOutput = (query: OutputQuery) => Promise<OutputPart>;

/** Bytes of one stream that are read for a file; a browser holds them until it has saved them. */
const wholeBytesMax = 256 * 1024 * 1024;

/**
 * The agent takes so many requests a minute and no more. Parts of one output that are read without a pause, and the pause before each
 * further one, in ms: with that, requests are left for what people press meanwhile. Where they were used up, it is asked again so often.
 */
const pacing = { atOnceCount: 30, pauseMs: 2_000, triesMax: 30 } as const;

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, pacing.pauseMs));

/**
 * Everything that a run has printed up to now, part by part. The end is where the first answer saw it, so that a run that goes on printing
 * is read to an end, too. Rejects as `read` does, but waits where the agent was asked too often.
 */
export async function readWholeOutput(read: AskOutput, run_id: string, wait = pause): Promise<readonly string[]> {
  const parts: string[] = [];
  const ask = async (query: OutputQuery): Promise<OutputPart> => {
    if (parts.length >= pacing.atOnceCount) await wait();
    for (let tries = 1; ; tries += 1) {
      try {
        return await read(query);
      } catch (error) {
        if (!(error instanceof ApiError && error.code === 'too_many') || tries === pacing.triesMax) throw error;
        await wait();
      }
    }
  };
  for (const stream of ['stdout', 'stderr'] as const) {
    let from = 0;
    let end = wholeBytesMax;
    do {
      const part = await ask({ run_id, stream, from });
      parts.push(part.text);
      end = Math.min(end, part.total_bytes);
      if (part.to <= from) break;
      from = part.to;
    } while (from < end);
  }
  return parts;
}
