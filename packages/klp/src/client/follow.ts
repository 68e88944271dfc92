/* What a reader follows with `for await`: the pushes of one method, every one of them, and a state, the newest. */
import { limitError } from '../wire/error.ts';

interface PushQueueOptions {
  queuedMax: number;
  signal: AbortSignal | undefined;
  /** Called once, when the consumer left, the signal was aborted or the queue overflowed. */
  onLeave: () => void;
}

/** A bounded queue with one consumer, which sees every item or an error. */
export class PushQueue<T> {
  private readonly options: PushQueueOptions;
  private readonly held: T[] = [];
  private finish: { error?: unknown } | undefined = undefined;
  private wakers: (() => void)[] = [];
  readonly items: AsyncIterableIterator<T>;

  constructor(options: PushQueueOptions) {
    const { signal } = options;
    this.options = options;
    this.items = {
      next: () => this.next(),
      return: async () => this.leave(),
      [Symbol.asyncIterator]: () => this.items,
    };
    if (signal?.aborted) queueMicrotask(this.onAbort);
    else signal?.addEventListener('abort', this.onAbort, { once: true });
  }

  /** Adds one item; on overflow the iterator delivers what it holds and then throws `RateLimit`. */
  add(item: T): void {
    if (this.finish) return;
    const maximum = this.options.queuedMax;
    const actual = this.held.length + 1;
    if (actual > maximum) {
      this.stop({ error: limitError('RateLimit', { limit: 'pushesQueuedMax', maximum, actual }) });
      return;
    }
    this.held.push(item);
    this.wake();
  }

  /** Ends the iterator after what it holds. */
  end(): void {
    this.stop({});
  }

  private async next(): Promise<IteratorResult<T>> {
    const { held } = this;
    while (held.length === 0 && !this.finish) {
      await new Promise<void>((resolve) => this.wakers.push(resolve));
    }
    if (held.length > 0) return { done: false, value: held.shift() as T };
    if (this.finish && 'error' in this.finish) {
      const { error } = this.finish;
      this.finish = {};
      throw error;
    }
    return { done: true, value: undefined };
  }

  private leave(): IteratorResult<T> {
    this.held.length = 0;
    this.stop({});
    return { done: true, value: undefined };
  }

  private readonly onAbort = (): void => {
    this.held.length = 0;
    this.stop({ error: this.options.signal?.reason });
  };

  private stop(how: { error?: unknown }): void {
    if (this.finish) return;
    this.finish = how;
    this.options.signal?.removeEventListener('abort', this.onAbort);
    this.options.onLeave();
    this.wake();
  }

  private wake(): void {
    for (const resolve of this.wakers) resolve();
    this.wakers = [];
  }
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
