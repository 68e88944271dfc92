/** Does something again and again while it is on, on a clock that nobody sets. */
export interface Ticker {
  /** Now, and from now on. */
  start(): void;
  /** Not any more; wakes nobody. */
  stop(): void;
  /** The interval is another: the next time is so long after the last one. */
  retime(): void;
}

/** `everyMs` is asked before each wait. */
export function createTicker(everyMs: () => number, tick: () => void): Ticker {
  let lastMs: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  function go(): void {
    lastMs = performance.now();
    plan();
    tick();
  }
  function plan(): void {
    clearTimeout(timer);
    if (lastMs === undefined) return;
    timer = setTimeout(go, Math.max(0, lastMs + everyMs() - performance.now())).unref();
  }
  const stop = (): void => {
    lastMs = undefined;
    clearTimeout(timer);
  };
  return { start: go, stop, retime: plan };
}
