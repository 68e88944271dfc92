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
