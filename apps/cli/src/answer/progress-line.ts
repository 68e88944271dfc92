/** A line on the terminal that says how a job stands while a call waits for it. Loaded on demand. */
import { isatty } from 'node:tty';
import type { JobDir } from '@kanade/runner';
import { shortJobId } from '@kanade/shared/job';
import type { Eventually } from '../call/eventually.ts';
import type { Io } from '../io.ts';
import { logBytesOf } from '../local/view.ts';

/** Between two states of the line, in ms; a call that is faster shows none. */
const everyMs = 250;

/** Columns of a terminal that does not tell. */
const columnsDefault = 80;

/** What a shell says of a program that Ctrl-C has ended. */
const interruptedCode = 130;

const eraseLine = '\r\x1b[K';

/** Runs something that waits for a job. While it does, a terminal on standard error shows the job, the time and what was printed. */
export async function withProgressLine<T>(io: Io, run: (onJob?: (job: JobDir) => void) => Eventually<T>): Promise<T> {
  if (!isatty(2) || io.env.TERM === 'dumb') return run();
  const startedMs = performance.now();
  let job: JobDir | undefined;
  let isShown = false;
  const timer = setInterval(() => {
    const columns = process.stderr.columns || columnsDefault;
    io.stderr(`${eraseLine}${lineOf(job, performance.now() - startedMs).slice(0, columns - 1)}`);
    isShown = true;
  }, everyMs);
  const clear = (): void => {
    clearInterval(timer);
    process.off('SIGINT', onInterrupt);
    if (isShown) io.stderr(eraseLine);
    isShown = false;
  };
  const onInterrupt = (): void => {
    clear();
    // Who else listens decides what Ctrl-C means; where nobody does, it ends us as it always does.
    if (process.listenerCount('SIGINT') === 0) process.exit(interruptedCode);
  };
  process.on('SIGINT', onInterrupt);
  try {
    return await run((known) => {
      job = known;
    });
  } finally {
    clear();
  }
}

function lineOf(job: JobDir | undefined, elapsedMs: number): string {
  const time = `${Math.floor(elapsedMs / 1000)} s`;
  return job ? `waiting for ${shortJobId(job.id)}: ${time}, ${sizeOf(logBytesOf(job))} printed` : `waiting: ${time}`;
}

/** Bytes for people. */
function sizeOf(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  const power = Math.min(Math.floor(Math.log2(bytes) / 10), 4);
  return `${(bytes / 1024 ** power).toFixed(1)} ${['', 'KiB', 'MiB', 'GiB', 'TiB'][power]}`;
}
