/** The view of a whole log, read piece by piece: memory for one piece, whatever its size. */
import { setImmediate } from 'node:timers/promises';
import type { JobDir, Jobs } from '@kanade/runner';
import { shapeCharsMax } from './route/by-shape.ts';
import type { Kind } from './route/kinds.ts';
import {
  type Compression,
  type CompressRequest,
  compressionOf,
  createStreamSieve,
  kindOf,
  type StreamView,
} from './view.ts';

const pieceBytes = 64 * 1024;

/** After so many pieces everybody else has a turn. */
const piecesInOneGo = 16;

type Stream = 'stdout' | 'stderr';

interface WholeOptions extends Pick<CompressRequest, 'mode' | 'command'> {
  readonly signal?: AbortSignal | undefined;
}

/** Compresses both logs as they are now; what is printed meanwhile is not in it. Its kind is told by the command, else by the beginning of the logs. */
export async function compressWhole(
  jobs: Jobs,
  job: JobDir,
  { mode, command, signal }: WholeOptions,
): Promise<Compression> {
  const [stdout, stderr] = (['stdout', 'stderr'] as const).map((stream) => jobs.head(job, stream, shapeCharsMax));
  const kind = kindOf(mode, { command, stdout: stdout?.text ?? '', stderr: stderr?.text ?? '' });
  const [stdoutBytes, stderrBytes] = [stdout?.totalBytes ?? 0, stderr?.totalBytes ?? 0];
  const view = (stream: Stream, totalBytes: number): Promise<StreamView> =>
    viewOf({ jobs, job, stream, totalBytes, kind, signal });
  return compressionOf(
    { mode, kind, stdoutBytes, stderrBytes },
    await view('stdout', stdoutBytes),
    await view('stderr', stderrBytes),
  );
}

interface LogToView {
  readonly jobs: Jobs;
  readonly job: JobDir;
  readonly stream: Stream;
  readonly totalBytes: number;
  readonly kind: Kind;
  readonly signal: AbortSignal | undefined;
}

async function viewOf({ jobs, job, stream, totalBytes, kind, signal }: LogToView): Promise<StreamView> {
  const sieve = createStreamSieve(kind, 0);
  const decoder = new TextDecoder();
  let from = 0;
  for (let piece = 1; from < totalBytes; piece++) {
    const { bytes } = jobs.readBytes(job, stream, { from, bytesMax: Math.min(pieceBytes, totalBytes - from) });
    if (bytes.length === 0) break; // the log was cut meanwhile
    from += bytes.length;
    sieve.push(decoder.decode(bytes, { stream: true }), bytes.length);
    if (piece % piecesInOneGo !== 0) continue;
    await setImmediate();
    signal?.throwIfAborted();
  }
  sieve.push(decoder.decode(), 0);
  return sieve.end([0, from]);
}
