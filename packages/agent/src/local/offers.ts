/** That the catalogue may have changed, told to whoever shows it. */
import { buckets } from '@kanade/shared/fleet';
import { limits } from '../limits.ts';
import type { FleetView } from '../store/fleet-cache.ts';

export interface Offers extends Disposable {
  /** What `jobs.list` answers may be another thing from now on. */
  changed(): void;
  /** Calls back soon after a change, and seldom however many there are, until the returned function is called. */
  watch(listener: () => void): () => void;
}

/** A revocation is a change, too. `onChange` hears of each at once. */
export function createOffers(view: Pick<FleetView, 'watch'>, onChange: () => void): Offers {
  const listeners = new Set<() => void>();
  let toldAtMs = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  const tell = (): void => {
    timer = undefined;
    toldAtMs = performance.now();
    for (const listener of [...listeners]) listener();
  };
  function changed(): void {
    onChange();
    if (timer !== undefined || listeners.size === 0) return;
    const { offersSettleMs, offersEveryMs } = limits;
    timer = setTimeout(tell, Math.max(offersSettleMs, toldAtMs + offersEveryMs - performance.now())).unref();
  }
  const unwatch = view.watch((bucket) => bucket === buckets.scriptStatus && changed());
  return {
    changed,
    watch(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    [Symbol.dispose]() {
      unwatch();
      clearTimeout(timer);
    },
  };
}
