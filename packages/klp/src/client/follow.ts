/* What a reader follows with `for await`: the pushes of one method, every one of them, and a state, the newest. */
import { limitError } from '../wire/error.ts';

export interface PushQueue<T> {
  readonly items: AsyncIterableIterator<T>;
  /** Adds one item; on overflow the iterator delivers what it holds and then throws `RateLimit`. */
  add(item: T): void;
  /** Ends the iterator after what it holds. */
  end(): void;
}

interface PushQueueOptions {
  queuedMax: number;
  signal: AbortSignal | undefined;
  /** Called once, when the consumer left, the signal was aborted or the queue overflowed. */
  onLeave: () => void;
}

/** A bounded queue with one consumer, which sees every item or an error. */
export function createPushQueue<T>({ queuedMax, signal, onLeave }: PushQueueOptions): PushQueue<T> {
  const held: T[] = [];
  let finish: { error?: unknown } | undefined;
  let wakers: (() => void)[] = [];

  function wake(): void {
    for (const resolve of wakers) resolve();
    wakers = [];
  }

  function stop(how: { error?: unknown }): void {
    if (finish) return;
    finish = how;
    signal?.removeEventListener('abort', onAbort);
    onLeave();
    wake();
  }

  function onAbort(): void {
    held.length = 0;
    stop({ error: signal?.reason });
  }

  async function next(): Promise<IteratorResult<T>> {
    while (held.length === 0 && !finish) {
      await new Promise<void>((resolve) => wakers.push(resolve));
    }
    if (held.length > 0) return { done: false, value: held.shift() as T };
    if (finish && 'error' in finish) {
      const { error } = finish;
      finish = {};
      throw error;
    }
    return { done: true, value: undefined };
  }

  if (signal?.aborted) queueMicrotask(onAbort);
  else signal?.addEventListener('abort', onAbort, { once: true });

  const items: AsyncIterableIterator<T> = {
    next,
    return: async () => {
      held.length = 0;
      stop({});
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]: () => items,
  };

  return {
    items,
    add: (item) => {
      if (finish) return;
      if (held.length >= queuedMax) {
        const passed = { limit: 'pushesQueuedMax', maximum: queuedMax, actual: held.length + 1 };
        stop({ error: limitError('RateLimit', passed) });
        return;
      }
      held.push(item);
      wake();
    },
    end: () => stop({}),
  };
}

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
