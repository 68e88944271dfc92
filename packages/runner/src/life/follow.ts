/** Following what a job prints, as text, until it has ended. */
import { type JobDir, type LogStream, logStreams } from '../record/layout.ts';
import type { Lookout } from './lookout.ts';
import { hasNews, readNext } from './read-next.ts';
import type { JobReading } from './read-on.ts';

export interface FollowOptions {
  /** From where on: `cursor` of an earlier reading; with one `lines` does not matter. */
  readonly cursor?: string | undefined;
  /** Lines of the past that are shown first; 0 = all, default. */
  readonly lines?: number;
  /** Bytes of the past that are looked at for these lines, and of each stream in one piece. */
  readonly bytesMax: number;
  /** Hears of every piece of text; `stop` when nobody takes any more. */
  readonly onText: (stream: LogStream, text: string) => 'stop' | undefined;
  /** Hears of output that was not kept, before what follows it. */
  readonly onGap: (stream: LogStream, gap: { from: number; bytes: number }) => void;
  readonly signal: AbortSignal;
}

export interface Followed {
  /** Where what was told ends; undefined when nothing was, and none was given. */
  readonly cursor: string | undefined;
  /** The job has ended, and all was told. */
  readonly ended: boolean;
}

/** Resolves when the job has ended and all is told, on abort, or when nobody takes any more. */
export async function followJob(job: JobDir, options: FollowOptions, lookout: Lookout): Promise<Followed> {
  const { lines = 0, bytesMax, signal } = options;
  let { cursor } = options;
  // Held and watched all the time: a watch for each piece would be doubted each time.
  using post = lookout.post(job);
  const unwatch = post.watch('directory', () => undefined);
  try {
    for (;;) {
      const tailLines = lines === 0 ? undefined : lines;
      const reading = await readNext(job, { cursor, tailLines, bytesMax, signal }, lookout);
      cursor = reading.cursor;
      const { ended } = reading;
      if (tell(reading, options) === 'stop' || ended || !hasNews(reading)) return { cursor, ended };
    }
  } catch (error) {
    if (!signal.aborted) throw error; // else nobody wants more: the job lives on, and so it was meant
    return { cursor, ended: false };
  } finally {
    unwatch();
  }
}

function tell(reading: JobReading, { onText, onGap }: FollowOptions): 'stop' | undefined {
  for (const stream of logStreams) {
    const { text, omitted } = reading[stream];
    if (omitted) onGap(stream, { from: omitted[0], bytes: omitted[1] - omitted[0] });
    if (text !== '' && onText(stream, text) === 'stop') return 'stop';
  }
  return undefined;
}
