import { OutboxError } from '../outbox/error.ts';
import type { OutboxLimits } from '../outbox/limits.ts';
import type { EncodedRecord } from './record.ts';
import type { Insertion } from './records.ts';

interface Pending {
  readonly record: EncodedRecord;
  readonly resolve: (insertion: Insertion) => void;
  readonly reject: (error: unknown) => void;
}

export type Result = { readonly insertion: Insertion } | { readonly refusal: OutboxError };

export interface GroupCommit {
  /** Resolves when the commit that holds the record is on disk. */
  add(record: EncodedRecord): Promise<Insertion>;
  /** Resolves when everything added before has been committed or refused. */
  settled(): Promise<void>;
}

/** Joins what is added in one turn of the event loop into one commit; gives the loop a turn between two commits. */
export function createGroupCommit(
  limits: OutboxLimits,
  commit: (records: readonly EncodedRecord[]) => Promise<readonly Result[]>,
): GroupCommit {
  const pending: Pending[] = [];
  let pendingBytes = 0;
  let running: Promise<void> | null = null;

  function takeBatch(): Pending[] {
    let bytes = 0;
    let count = 0;
    while (count < pending.length && count < limits.commitRecordsMax && bytes < limits.commitBytesMax) {
      bytes += pending[count]?.record.bytes ?? 0;
      count++;
    }
    return pending.splice(0, count);
  }

  async function run(): Promise<void> {
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      const batch = takeBatch();
      try {
        const results = await commit(batch.map((entry) => entry.record));
        for (const [index, entry] of batch.entries()) settle(entry, results[index]);
      } catch (error) {
        for (const entry of batch) entry.reject(error);
      }
      for (const entry of batch) pendingBytes -= entry.record.bytes;
      if (pending.length > 0) continue;
      running = null;
      return;
    }
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

function settle({ resolve, reject }: Pending, result: Result | undefined): void {
  if (result && 'insertion' in result) resolve(result.insertion);
  else reject(result?.refusal ?? new Error('Cannot settle an enqueue: the commit returned no result for it'));
}
