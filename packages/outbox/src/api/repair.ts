import type { OutboxLimits } from '../core/limits.ts';
import { dropChosen, quarantineChosen, replayRows, type Selection, walk, walkStart } from '../rows/choose.ts';
import type { Dropped } from '../rows/drops.ts';
import type { Store, Tx } from '../rows/store.ts';

/** What a person can do to records. Many are handled in several commits, oldest first; an error leaves those done before it done. */
export interface OutboxRepair {
  /** Gives quarantined, waiting or kept records a new start: ready now, no attempts counted. @returns how many */
  replay(selection: Selection): Promise<number>;
  /** Sets queued records apart, with a reason, until they are replayed or dropped. @returns how many */
  quarantine(selection: Selection, options?: { readonly reason?: string }): Promise<number>;
  /** Removes records undelivered, counted, reported and noted; kept ones, which were delivered, without a word. @returns how many */
  drop(selection: Selection): Promise<number>;
}

const reasonCharsMax = 2000;

export function createRepair({
  store,
  limits,
  report,
  wake,
}: {
  store: Store;
  limits: OutboxLimits;
  report: (dropped: readonly Dropped[]) => void;
  wake: () => void;
}): OutboxRepair {
  type Chosen = ReturnType<typeof walk>['chosen'];

  async function each(selection: Selection, step: (tx: Tx, chosen: Chosen) => { records: number; dropped: Dropped[] }) {
    checkSelection(selection);
    let records = 0;
    for (let place: typeof walkStart | null = walkStart; place !== null; ) {
      const from: typeof walkStart = place;
      const done = await store.transact((tx) => {
        const { chosen, next } = walk(tx, selection, from);
        return { ...step(tx, chosen), next };
      });
      records += done.records;
      report(done.dropped);
      place = done.next;
      wake();
      await new Promise((resolve) => setImmediate(resolve));
    }
    return records;
  }

  return {
    replay: (selection) => each(selection, (tx, chosen) => ({ records: replayRows(tx, chosen), dropped: [] })),
    async quarantine(selection, { reason = 'set apart by the caller' } = {}) {
      if (reason.length > reasonCharsMax)
        throw new RangeError(
          `Cannot quarantine: the reason has ${reason.length} characters, ${reasonCharsMax} are allowed`,
        );
      return each(selection, (tx, chosen) => quarantineChosen(tx, chosen, { reason, limits }));
    },
    drop: (selection) => each(selection, (tx, chosen) => dropChosen(tx, chosen, limits.dropsKeptMax)),
  };
}

const states: readonly unknown[] = ['ready', 'waiting', 'held', 'quarantined', 'kept'];

function checkSelection(selection: Selection): void {
  const { ids, state } = selection as { ids?: unknown; state?: unknown };
  const chosen = ids === undefined ? states.includes(state) : state === undefined && Array.isArray(ids);
  if (!chosen)
    throw new TypeError(`Cannot choose records: give \`ids\` or one \`state\`: ${JSON.stringify(selection)}`);
}
