import process from 'node:process';

export interface TellOptions {
  /** Whose listener it is, for the warning: `an outbox`. */
  readonly of: string;
  /** Type and code of the process warning. */
  readonly type: string;
  readonly code: string;
}

/**
 * Hands events to a caller's listener, after the steps they speak of and outside of our own. A listener that fails, at once or by a
 * promise, loses its event and nothing else; the first failure is told as a process warning.
 */
export function createTell<E>(
  onEvent: ((event: E) => unknown) | undefined,
  { of, type, code }: TellOptions,
): (event: E) => void {
  if (onEvent === undefined) return () => {};
  let told = false;
  const fail = (error: unknown): void => {
    if (told) return;
    told = true;
    const message = `onEvent of ${of} failed; it goes on, later failures are not told: ${wordsOf(error)}`;
    process.emitWarning(message, { type, code });
  };
  const call = (event: E): void => {
    try {
      // An async listener is one too, whatever its type says.
      const result = onEvent(event);
      if (result instanceof Promise) result.catch(fail);
    } catch (error) {
      fail(error);
    }
  };
  return (event) => queueMicrotask(() => call(event));
}

/** What was thrown may be anything, even what cannot be printed. */
function wordsOf(error: unknown): string {
  try {
    return String(error);
  } catch {
    return typeof error;
  }
}
