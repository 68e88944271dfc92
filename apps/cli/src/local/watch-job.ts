/** Following both streams of a job to our own. */
import type { JobDir, Jobs } from '@kanade/runner';
import { shortJobId } from '@kanade/shared/job-words';
import { excerptBytes } from '../door/excerpts.ts';
import type { Io } from '../io.ts';
import { createReaderCheck } from './reader.ts';

/** How often it is asked whether somebody still reads us, in ms. */
const readerLookMs = 500;

export interface WatchJobOptions {
  readonly io: Io;
  /** The name that we were called by. */
  readonly program: string;
  readonly cursor: string | undefined;
  /** Lines of the past that are shown first, 0 = all. */
  readonly lines: number;
}

/** Copies what a job prints to our own streams until it has ended, we are asked to leave, or nobody reads them any more. */
export async function watchJob(jobs: Jobs, job: JobDir, options: WatchJobOptions): Promise<void> {
  const { io, program, cursor, lines } = options;
  const unread = new AbortController();
  const isReaderGone = createReaderCheck(1);
  const timer = setInterval(() => isReaderGone() && unread.abort(), readerLookMs);
  try {
    const followed = await jobs.follow(job, {
      cursor,
      lines,
      bytesMax: excerptBytes,
      signal: AbortSignal.any([io.signal, unread.signal]),
      onText(stream, text) {
        io[stream](text);
        return io.isUnread?.() ? 'stop' : undefined;
      },
      onGap: (stream, { from, bytes }) =>
        io.stderr(`${program}: ${bytes} bytes of ${stream}, from byte ${from} on, were not kept\n`),
    });
    if (io.signal.aborted && !followed.ended && followed.cursor !== undefined)
      io.stderr(`${program}: to go on here: ${program} watch --cursor ${followed.cursor} ${shortJobId(job.id)}\n`);
  } finally {
    clearInterval(timer);
  }
}
