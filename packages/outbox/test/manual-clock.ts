import type { Clock } from '@kanade/outbox';

export interface ManualClock extends Clock {
  /** Lets time pass, from timer to timer, until the claim holds. */
  passUntil(claim: () => boolean): Promise<void>;
  /** Lets this much time pass, from timer to timer. */
  pass(ms: number): Promise<void>;
  set(nowMs: number): void;
}

/** A clock that stands still unless told otherwise; time does not pass while somebody `isBusy` who needs turns and no time. */
export function createManualClock(startMs = 1_700_000_000_000, isBusy: () => boolean = () => false): ManualClock {
  let nowMs = startMs;
  const timers = new Set<{ atMs: number; callback: () => void }>();

  /** Lets everything that is not waiting for time run. */
  async function settle(): Promise<void> {
    for (let turn = 0; turn < 12; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
      // A slow machine spreads commits over more turns.
      if (isBusy()) turn = 0;
    }
  }

  function fireNext(latestMs: number): boolean {
    const [next] = [...timers].filter((timer) => timer.atMs <= latestMs).sort((a, b) => a.atMs - b.atMs);
    if (!next) return false;
    timers.delete(next);
    nowMs = Math.max(nowMs, next.atMs);
    next.callback();
    return true;
  }

  return {
    nowMs: () => nowMs,
    setTimer(callback, delayMs) {
      const timer = { atMs: nowMs + delayMs, callback };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    async passUntil(claim) {
      await settle();
      while (!claim()) {
        fireNext(Number.POSITIVE_INFINITY);
        await settle();
      }
    },
    async pass(ms) {
      const endMs = nowMs + ms;
      await settle();
      while (fireNext(endMs)) await settle();
      nowMs = endMs;
    },
    set(next) {
      nowMs = next;
    },
  };
}
