/** A line on the terminal that says how something stands while a call waits for it. Loaded on demand. */
import type { Context, Eventually, Waiting } from '../call/command.ts';
import type { Io } from '../io.ts';

/** Between two states of the line, in ms; a call that is faster shows none. */
const everyMs = 250;

/** Columns of a terminal that does not tell. */
const columnsDefault = 80;

/** What a shell says of a program that Ctrl-C has ended. */
const interruptedCode = 130;

const eraseLine = '\r\x1b[K';

/**
 * Runs something that waits. While it does, a terminal on standard error shows for what, the time and how it stands; what the
 * command itself says there stands above.
 */
export async function withProgressLine<T>(io: Io, run: (more?: Partial<Context>) => Eventually<T>): Promise<T> {
  if (!io.isTerminal?.(2) || io.env.TERM === 'dumb') return run();
  const startedMs = performance.now();
  let waiting: Waiting | undefined;
  let isShown = false;
  const erase = (): void => {
    if (isShown) io.stderr(eraseLine);
    isShown = false;
  };
  const timer = setInterval(() => {
    const columns = process.stderr.columns || columnsDefault;
    io.stderr(`${eraseLine}${lineOf(waiting, performance.now() - startedMs).slice(0, columns - 1)}`);
    isShown = true;
  }, everyMs);
  const clear = (): void => {
    clearInterval(timer);
    process.off('SIGINT', onInterrupt);
    erase();
  };
  const onInterrupt = (): void => {
    clear();
    // Who else listens decides what Ctrl-C means; where nobody does, it ends us as it always does.
    if (process.listenerCount('SIGINT') === 0) process.exit(interruptedCode);
  };
  process.on('SIGINT', onInterrupt);
  const above = (text: string): void => {
    erase();
    io.stderr(text);
  };
  try {
    return await run({
      io: Object.create(io, { stderr: { value: above } }) as Io,
      onWaiting: (told) => {
        waiting = told;
      },
    });
  } finally {
    clear();
  }
}

function lineOf(waiting: Waiting | undefined, elapsedMs: number): string {
  const time = `${Math.floor(elapsedMs / 1000)} s`;
  return waiting ? `waiting for ${waiting.what}: ${time}, ${waiting.how()}` : `waiting: ${time}`;
}
