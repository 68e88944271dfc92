/** A log, byte by byte: any size in the memory of one part of it. */
import type { ServerResponse } from 'node:http';
import type { JobDir, Jobs } from '@kanade/runner';
import { Failure } from '../answer/answer.ts';
import type { Asked } from './room.ts';
import { taken } from './taken.ts';

type Stream = 'stdout' | 'stderr';

/** Bytes that are read and sent in one step. */
const stepBytes = 256 * 1024;

/** Sends what a job has printed on one stream up to now, or the range of it that was asked for. */
export async function sendLog({ room, id, stream, request, response, signal }: Asked<'log'>): Promise<undefined> {
  if (stream !== 'stdout' && stream !== 'stderr')
    throw new Failure('unknown_route', `a job has two logs, stdout and stderr, not ${JSON.stringify(stream)}`);
  const job = room.jobs.find(id);
  const { totalBytes } = room.jobs.readBytes(job, stream, { from: 0, bytesMax: 0 });
  const { range, 'if-range': unless } = request.headers;
  // No log has a validator: it grows. A range that is to be given only of an unchanged one is given of none.
  const part = unless === undefined ? rangeOf(range, totalBytes) : undefined;
  if (part === 'behind') {
    response.setHeader('content-range', `bytes */${totalBytes}`);
    throw new Failure('range_not_satisfiable', `${stream} has ${totalBytes} bytes so far: ${range} begins behind them`);
  }
  const [from, end] = part ?? [0, totalBytes];
  response.writeHead(part ? 206 : 200, {
    'accept-ranges': 'bytes',
    'cache-control': 'no-store',
    'content-length': end - from,
    ...(part ? { 'content-range': `bytes ${from}-${end - 1}/${totalBytes}` } : {}),
    'content-type': 'application/octet-stream',
    'x-content-type-options': 'nosniff',
  });
  await copy({ jobs: room.jobs, job, stream }, [from, end], response, signal);
}

/** `[begin, end)` of the one range that was asked for; undefined for the whole: without one, with several, with other units. */
export function rangeOf(header: string | undefined, total: number): readonly [number, number] | 'behind' | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? '');
  if (!match || (match[1] === '' && match[2] === '')) return undefined;
  const [, first = '', last = ''] = match;
  if (first === '') return Number(last) === 0 || total === 0 ? 'behind' : [Math.max(0, total - Number(last)), total];
  if (last !== '' && Number(last) < Number(first)) return undefined;
  if (Number(first) >= total) return 'behind';
  return [Number(first), last === '' ? total : Math.min(Number(last) + 1, total)];
}

interface Source {
  readonly jobs: Jobs;
  readonly job: JobDir;
  readonly stream: Stream;
}

/** Reads on when the client has taken what was read before. A log that has become shorter meanwhile cuts the answer. */
async function copy(
  { jobs, job, stream }: Source,
  [from, end]: readonly [number, number],
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  let at = from;
  while (at < end && !response.destroyed && !signal.aborted) {
    const { bytes } = jobs.readBytes(job, stream, { from: at, bytesMax: Math.min(stepBytes, end - at) });
    if (bytes.length === 0) break;
    at += bytes.length;
    if (!response.write(bytes)) await taken(response);
  }
  if (at < end) response.destroy();
  else response.end();
}
