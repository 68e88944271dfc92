import type { Store } from '../store/database.ts';
import { type Dropped, lastNote, notedDrops } from '../store/drops.ts';
import type { Clock } from './clock.ts';
import { OutboxError } from './error.ts';
import { droppedEvent, type Emit } from './event.ts';
import type { OutboxLimits } from './limits.ts';

/** Follows records that joined a caller's transaction, which may still be committed or rolled back. */
export interface Joined {
  /** A record was added, and these had to go for it. */
  added(dropped: readonly Dropped[]): void;
  /** Looks whether the transaction is over. */
  look(): void;
  /** Resolves when what is known to be committed was reported. */
  settled(): Promise<void>;
}

interface JoinedOptions {
  readonly store: Store;
  readonly limits: OutboxLimits;
  readonly clock: Clock;
  readonly emit: Emit;
  readonly wake: () => void;
}

/**
 * After the transaction: wakes the drainer, and reports what was dropped to make room, unless that was rolled back. SQLite tells
 * nobody about the end of a transaction, so the notes of the drops are looked for when none is open any more.
 */
export function createJoined({ store, limits, clock, emit, wake }: JoinedOptions): Joined {
  const pending = new Map<number, Dropped>();
  let isScheduled = false;
  let reporting: Promise<void> | null = null;

  async function report(): Promise<void> {
    try {
      await store.read((sql) => {
        for (const entry of notedDrops(sql, pending.values(), limits.dropsKeptMax)) emit(droppedEvent(entry));
        pending.clear();
      });
    } catch (error) {
      // Still open after `lockWaitMs`: asked again. Whatever else it is, every other use of the database says it too.
      if (error instanceof OutboxError && error.code === 'busy') clock.setTimer(look, limits.pollMs);
    } finally {
      reporting = null;
    }
  }

  function look(): void {
    if (!store.database().isOpen) return;
    if (!store.database().isTransaction) wake();
    if (pending.size > 0) reporting ??= report();
  }

  return {
    added(dropped) {
      // Numbers above the last one were rolled back, with their transaction or to a savepoint; they will be given out again.
      if (pending.size > 0) {
        const last = lastNote(store.sql());
        for (const cursor of [...pending.keys()]) if (cursor > last) pending.delete(cursor);
      }
      for (const entry of dropped) pending.set(entry.cursor, entry);
      if (isScheduled) return;
      isScheduled = true;
      setImmediate(() => {
        isScheduled = false;
        look();
      });
    },
    look,
    async settled() {
      if (pending.size > 0 && store.database().isOpen && !store.database().isTransaction) reporting ??= report();
      await reporting;
    },
  };
}
