import { OutboxError } from '../outbox/error.ts';
import type { OutboxLimits } from '../outbox/limits.ts';
import type { EncodedRecord } from './record.ts';
import type { Insertion } from './records.ts';

interface Pending {
  readonly record: EncodedRecord;
  readonly resolve: (insertion: Insertion) => void;
  readonly reject: (error: unknown) => void;
}

export interface GroupCommit {
  /** Resolves when the commit that holds the record is on disk, or with why it was refused. */
  add(record: EncodedRecord): Promise<Insertion>;
  /** Resolves when everything added before has been committed or refused. */
  settled(): Promise<void>;
}

/**
 * Joins what is added in one turn of the event loop into one commit; gives the loop a turn between two commits. `commit` may
 * take fewer records than it was offered, from the front: the others come with the next one.
 */
export function createGroupCommit(
  limits: OutboxLimits,
  commit: (records: readonly EncodedRecord[]) => Promise<readonly Insertion[]>,
): GroupCommit {
  let pending: Pending[] = [];
  let pendingBytes = 0;
  let running: Promise<void> | null = null;

  function nextBatch(): Pending[] {
    let bytes = 0;
    let count = 0;
    while (count < pending.length && count < limits.commitRecordsMax && bytes < limits.commitBytesMax) {
      bytes += pending[count]?.record.bytes ?? 0;
      count++;
    }
    return pending.slice(0, count);
  }

  function take(count: number): void {
    for (let index = 0; index < count; index++) pendingBytes -= pending[index]?.record.bytes ?? 0;
    pending = pending.slice(count);
  }

  async function run(): Promise<void> {
    while (pending.length > 0) {
      await new Promise((resolve) => setImmediate(resolve));
      const batch = nextBatch();
      try {
        const insertions = await commit(batch.map((entry) => entry.record));
        take(insertions.length);
        for (const [index, insertion] of insertions.entries()) batch[index]?.resolve(insertion);
      } catch (error) {
        take(batch.length);
        for (const entry of batch) entry.reject(error);
      }
    }
    running = null;
  }

  return {
    add(record) {
      const actual = pendingBytes + record.bytes;
      if (pending.length > 0 && actual > limits.pendingBytesMax) {
        const exceeded = { limit: 'pendingBytesMax', maximum: limits.pendingBytesMax, actual };
        const message = `Cannot enqueue ${record.id}: ${actual} bytes wait for their commit, await earlier calls first`;
        return Promise.reject(new OutboxError('busy', message, { exceeded }));
      }
      pendingBytes = actual;
      return new Promise((resolve, reject) => {
        pending.push({ record, resolve, reject });
        running ??= run();
      });
    },
    settled: () => running ?? Promise.resolve(),
  };
}
