/** Places for runs at the same time, first come first served. */
export interface Slots {
  /** Resolves with a place, given back when disposed of. Rejects with the signal's reason on abort. */
  take(signal: AbortSignal): Promise<Disposable>;
  /** A place at once, beyond the number if need be: for what already runs. */
  occupy(): Disposable;
}

export function createSlots(placesMax: number): Slots {
  let taken = 0;
  const waiting: (() => void)[] = [];

  function place(): Disposable {
    let given = false;
    return {
      [Symbol.dispose]() {
        if (given) return;
        given = true;
        // A place goes straight to the first who waits, so that a newcomer cannot overtake.
        const next = taken <= placesMax ? waiting.shift() : undefined;
        if (next) next();
        else taken--;
      },
    };
  }

  return {
    occupy() {
      taken++;
      return place();
    },
    take(signal) {
      if (signal.aborted) return Promise.reject(signal.reason);
      if (taken < placesMax) {
        taken++;
        return Promise.resolve(place());
      }
      return new Promise((resolve, reject) => {
        const onPlace = (): void => {
          signal.removeEventListener('abort', onAbort);
          resolve(place());
        };
        const onAbort = (): void => {
          waiting.splice(waiting.indexOf(onPlace), 1);
          reject(signal.reason);
        };
        signal.addEventListener('abort', onAbort, { once: true });
        waiting.push(onPlace);
      });
    },
  };
}
