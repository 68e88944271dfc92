/** The shorter view beside the output in an answer of a job, with how to get what it leaves out. */
import type { JobDir, Jobs } from '@kanade/runner';
import type { CompressionMode } from '@kanade/shared/job-words';
import type { Answer } from '../call/command.ts';
import { type Compression, compress, type StreamLeftOut, type StreamText } from './view.ts';
import { compressWhole } from './whole.ts';

export interface CompressAnswer {
  readonly mode: Exclude<CompressionMode, 'off'>;
  /** The view is of the whole log; default: of the excerpts in the answer. */
  readonly isWhole?: boolean;
  /** Say nothing of a view that is not shorter. */
  readonly isOptional?: boolean;
  /** The name the program was called by. */
  readonly program?: string;
  readonly signal?: AbortSignal | undefined;
}

/** Adds `compression` to an answer of `run`, `start`, `restart` or `tail`. Rejects with the signal's reason, and with `io_error` where a whole log cannot be read. */
export async function compressAnswer(jobs: Jobs, answer: Answer, options: CompressAnswer): Promise<Answer> {
  const { mode, isWhole = false, isOptional = false, program = 'kanade', signal } = options;
  const job = jobs.at(String(answer.job_id));
  const command = mode === 'route' ? jobs.definition(job)?.command : undefined;
  const compression = isWhole
    ? await compressWhole(jobs, job, { mode, command, signal })
    : compress({ mode, command, stdout: textOf(answer, 'stdout'), stderr: textOf(answer, 'stderr') });
  if (isOptional && !compression.applied) return answer;
  return { ...answer, compression: withCalls(compression, { jobs, job, program }) };
}

const textOf = (answer: Answer, stream: 'stdout' | 'stderr'): StreamText => ({
  text: answer[stream] as string,
  range: answer[`${stream}_range`] as readonly [number, number],
  totalBytes: answer[`${stream}_total_bytes`] as number,
});

interface CallPlace {
  readonly jobs: Jobs;
  readonly job: JobDir;
  readonly program: string;
}

/** What was left out, each part with the call that prints it: from a cursor, so that it is the same whatever is printed meanwhile. */
function withCalls({ left_out: parts, ...rest }: Compression, { jobs, job, program }: CallPlace): object {
  if (parts === undefined) return rest;
  const ends = { stdout: rest.stdout_original_bytes, stderr: rest.stderr_original_bytes };
  const callOf = ({ stream, range: [from, to] }: StreamLeftOut): string => {
    const cursor = jobs.cursorAt(job, { ...ends, [stream]: from });
    return `${program} tail --compress off --cursor ${cursor} --max-bytes ${to - from} ${job.id}`;
  };
  return { ...rest, left_out: parts.map((part) => ({ ...part, get: callOf(part) })) };
}
