import { isDeepStrictEqual } from 'node:util';
import { createFrameDecoder, decodeMessage, type Frame } from '../../src/index.ts';
import { chunksOf, streamBytes } from './inputs.ts';
import { createRandom } from './random.ts';

export interface DecoderReport {
  inputs: number;
  bytes: number;
  frames: number;
  /** The longest that one input took, in ms. */
  longestMs: number;
  /** The largest resident set seen, in MB. */
  highWaterMb: number;
}

const bodyBytesMax = 1_048_576;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The same decoder, written again in the simplest way: over all bytes at once. */
function model(stream: Buffer): { frames: Frame[]; held: number } {
  const frames: Frame[] = [];
  let at = 0;
  while (stream.length - at >= 4) {
    const length = stream.readUInt32LE(at);
    if (length > bodyBytesMax) {
      frames.push({ kind: 'over_long', passed: { limit: 'bodyBytesMax', maximum: bodyBytesMax, actual: length } });
      return { frames, held: 0 };
    }
    if (stream.length - at < 4 + length) break;
    frames.push(modelBody(stream.subarray(at + 4, at + 4 + length)));
    at += 4 + length;
  }
  return { frames, held: stream.length - at };
}

function modelBody(bytes: Buffer): Frame {
  try {
    return { kind: 'body', text: utf8.decode(bytes) };
  } catch {
    return { kind: 'not_utf8' };
  }
}

function decode(chunks: Buffer[], isLazy: boolean): { frames: Frame[]; held: number } {
  const decoder = createFrameDecoder();
  const frames: Frame[] = [];
  const drain = (): void => {
    for (let frame = decoder.next(); frame; frame = decoder.next()) {
      frames.push(frame);
      if (frame.kind === 'over_long') return;
    }
  };
  for (const chunk of chunks) {
    decoder.push(chunk);
    if (!isLazy && frames.at(-1)?.kind !== 'over_long') drain();
  }
  if (frames.at(-1)?.kind !== 'over_long') drain();
  return { frames, held: decoder.heldBytes };
}

const kinds = ['request', 'notification', 'response', 'malformed'];

/** Gives random streams to the decoder and compares with the model. Throws with the seed of the first that differs, crashes or makes nonsense. */
export function fuzzDecoder({ firstSeed, inputs }: { firstSeed: number; inputs: number }): DecoderReport {
  const report: DecoderReport = { inputs, bytes: 0, frames: 0, longestMs: 0, highWaterMb: 0 };
  for (let seed = firstSeed; seed < firstSeed + inputs; seed += 1) {
    const random = createRandom(seed);
    const stream = streamBytes(random);
    const chunks = chunksOf(random, stream);
    const startedMs = performance.now();
    try {
      const seen = decode(chunks, random.below(8) === 0);
      for (const frame of seen.frames) {
        if (frame.kind === 'body' && !kinds.includes(decodeMessage(frame.text).kind))
          throw new Error('no kind of message');
      }
      report.longestMs = Math.max(report.longestMs, performance.now() - startedMs);
      const expected = model(stream);
      if (!isDeepStrictEqual(seen, expected))
        throw new Error(`expected ${JSON.stringify(expected)}, got ${JSON.stringify(seen)}`);
      report.frames += seen.frames.length;
    } catch (cause) {
      throw new Error(`fuzz the decoder: seed ${seed}: ${(cause as Error).message}`, { cause });
    }
    report.bytes += stream.length;
    if (seed % 10_000 === 0) report.highWaterMb = Math.max(report.highWaterMb, process.memoryUsage.rss() / 1e6);
  }
  report.highWaterMb = Math.max(report.highWaterMb, process.memoryUsage.rss() / 1e6);
  return report;
}
