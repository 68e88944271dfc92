/* A timer and a signal that cost nothing until somebody needs them. */

export interface Expiry {
  /** Something is due at this instant of the monotonic clock. */
  note(dueMs: number): void;
  clear(): void;
}

/**
 * One timer for many deadlines. `onDue` ends what is due at its argument and returns the earliest deadline that is left, Infinity for none. What is
 * settled in time costs nothing here: the timer finds that out when it fires.
 */
export function createExpiry(onDue: (nowMs: number) => number): Expiry {
  let timer: NodeJS.Timeout | undefined;
  let armedMs = Number.POSITIVE_INFINITY;

  function fire(): void {
    timer = undefined;
    armedMs = Number.POSITIVE_INFINITY;
    note(onDue(performance.now()));
  }

  function note(dueMs: number): void {
    if (dueMs >= armedMs) return;
    clearTimeout(timer);
    armedMs = dueMs;
    // Rounded up: a timer that fires early would have to be set again.
    timer = setTimeout(fire, Math.min(Math.max(1, Math.ceil(dueMs - performance.now())), longestDelayMs));
  }

  return {
    note,
    clear: () => {
      clearTimeout(timer);
      timer = undefined;
      armedMs = Number.POSITIVE_INFINITY;
    },
  };
}

/** What a timer takes; a later deadline is looked at again then. */
const longestDelayMs = 2_147_483_647;

/** A signal that is made when somebody asks for it: mostly nobody does. */
export class LateSignal {
  #controller: AbortController | undefined;
  #aborted: { reason: unknown } | undefined;

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#aborted) this.#controller.abort(this.#aborted.reason);
    return this.#controller.signal;
  }

  /** Aborts the signal; the first reason wins. Not a part of what a handler sees. */
  abort(reason: unknown): void {
    this.#aborted ??= { reason };
    this.#controller?.abort(this.#aborted.reason);
  }
}
