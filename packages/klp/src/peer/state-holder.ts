export interface StateHolder<S> {
  readonly current: S;
  enter(next: S): void;
  /** Resolves at the next state, or when the signal is aborted. */
  changed(signal?: AbortSignal): Promise<void>;
  /** The state as it is, then every newer one; a reader that is slow gets the newest. Ends behind a last state, throws the signal's reason. */
  states(options?: { signal?: AbortSignal }): AsyncIterableIterator<S>;
}

interface StateHolderOptions<S> {
  first: S;
  /** Whether no other state follows. */
  isLast: (state: S) => boolean;
  onEnter: (state: S) => void;
}

/** One value over time, to be asked, waited for and followed. */
export function createStateHolder<S>({ first, isLast, onEnter }: StateHolderOptions<S>): StateHolder<S> {
  let current = first;
  const waiters = new Set<() => void>();

  function changed(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        waiters.delete(wake);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      waiters.add(wake);
      signal?.addEventListener('abort', wake, { once: true });
    });
  }

  async function* follow(signal: AbortSignal | undefined): AsyncGenerator<S, undefined> {
    let seen: S | undefined;
    for (;;) {
      signal?.throwIfAborted();
      if (seen === current) {
        await changed(signal);
        continue;
      }
      seen = current;
      yield seen;
      if (isLast(seen)) return undefined;
    }
  }

  return {
    get current() {
      return current;
    },
    enter: (next) => {
      current = next;
      for (const wake of [...waiters]) wake();
      onEnter(next);
    },
    changed,
    states: ({ signal } = {}) => follow(signal),
  };
}
