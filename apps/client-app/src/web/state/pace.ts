/** Between two drawings of a page that nobody sees, in ms. */
const hiddenMs = 250;

export interface Pace<T> {
  add(thing: T): void;
  /** Hands over what waits, now. */
  flush(): void;
}

/** Hands things over once per frame, however many come in between: the page is drawn no more often than it can be seen. */
export function createPace<T>(take: (things: readonly T[]) => void): Pace<T> {
  let waiting: T[] = [];
  const flush = (): void => {
    if (waiting.length === 0) return;
    const things = waiting;
    waiting = [];
    take(things);
  };
  return {
    flush,
    add(thing) {
      waiting.push(thing);
      if (waiting.length > 1) return;
      // A hidden page has no frames; one that is hidden before its frame comes is caught up with all the same.
      if (!document.hidden) requestAnimationFrame(flush);
      setTimeout(flush, hiddenMs);
    },
  };
}
