import type { Store } from '../store/database.ts';
import type { Dropped } from '../store/drops.ts';
import type { Emit } from './event.ts';

/** Follows records that joined a caller's transaction, which may still be committed or rolled back. */
export interface Joined {
  added(dropped: readonly Dropped[]): void;
}

/** After the transaction: wakes the drainer, and reports what was dropped to make room, unless that was rolled back. */
export function createJoined({ store, emit, wake }: { store: Store; emit: Emit; wake: () => void }): Joined {
  let dropped: Dropped[] = [];
  let scheduled = false;

  function look(): void {
    if (!store.database().isOpen) return;
    // Still open: the caller wakes us, or the idle poll of the drainer finds the record.
    scheduled = false;
    if (store.database().isTransaction) return;
    const exists = store.sql()('SELECT 1 FROM $t WHERE id = ?');
    for (const entry of dropped) if (!exists.get(entry.id)) emit({ type: 'dropped', ...entry });
    dropped = [];
    wake();
  }

  return {
    added(more) {
      dropped.push(...more);
      if (scheduled) return;
      scheduled = true;
      setImmediate(look);
    },
  };
}
