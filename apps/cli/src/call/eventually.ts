/** A value, or the promise of one. Most answers are there at once, and a call that need not wait never enters the event loop. */
export type Eventually<T> = T | Promise<T>;

/** Goes on with a value: now when it is there, else as soon as it is. */
export function then<T, R>(value: Eventually<T>, next: (value: T) => Eventually<R>): Eventually<R> {
  return value instanceof Promise ? value.then(next) : next(value);
}

/** Runs something; what it throws or rejects with goes to `recover`. */
export function recovered<T>(run: () => Eventually<T>, recover: (error: unknown) => T): Eventually<T> {
  try {
    const value = run();
    return value instanceof Promise ? value.catch(recover) : value;
  } catch (error) {
    return recover(error);
  }
}
