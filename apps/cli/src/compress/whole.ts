/** The view of a whole log, read piece by piece: memory for one piece, whatever its size. */
import { setImmediate } from 'node:timers/promises';
import type { JobDir, JobReading, Jobs } from '@kanade/runner';
import { shapeCharsMax } from './route/by-shape.ts';
import { type Compression, type CompressRequest, compressionOf, createStreamSieve, kindOf } from './view.ts';

const pieceBytes = 64 * 1024;

/** After so many pieces everybody else has a turn. */
const piecesInOneGo = 16;

const streams = ['stdout', 'stderr'] as const;

interface WholeOptions extends Pick<CompressRequest, 'mode' | 'command'> {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Compresses both logs as they are now; of what is printed meanwhile no more than a piece is in it. Their kind is told by the command, else by the
 * beginning of the logs.
 */
export async function compressWhole(
  jobs: Jobs,
  job: JobDir,
  { mode, command, signal }: WholeOptions,
): Promise<Compression> {
  const [out, err] = streams.map((stream) => jobs.readText(job, stream, { from: 0, bytesMax: shapeCharsMax }));
  const kind = kindOf(mode, { command, stdout: out?.text ?? '', stderr: err?.text ?? '' });
  const sizes = { stdout: out?.totalBytes ?? 0, stderr: err?.totalBytes ?? 0 };
  const ends = { stdout: 0, stderr: 0 };
  const sieves = { stdout: createStreamSieve(kind, 0), stderr: createStreamSieve(kind, 0) };
  const take = (reading: JobReading): void => {
    for (const stream of streams) {
      const { text, range, omitted } = reading[stream];
      if (omitted) sieves[stream].skip(...omitted);
      sieves[stream].push(text, range[1] - range[0]);
      ends[stream] = range[1];
    }
  };
  let cursor: string | undefined;
  for (let piece = 1; ; piece++) {
    const reading = jobs.read(job, { cursor, bytesMax: pieceBytes });
    if (cursor !== undefined && reading.noticed !== undefined) break; // what is there now is of another run
    take(reading);
    cursor = reading.cursor;
    if (!reading.more || streams.every((stream) => ends[stream] >= sizes[stream])) break;
    if (piece % piecesInOneGo !== 0) continue;
    await setImmediate();
    signal?.throwIfAborted();
  }
  const bytes = (stream: keyof typeof ends): number => Math.max(sizes[stream], ends[stream]);
  return compressionOf(
    { mode, kind, stdoutBytes: bytes('stdout'), stderrBytes: bytes('stderr') },
    sieves.stdout.end([0, ends.stdout]),
    sieves.stderr.end([0, ends.stderr]),
  );
}
