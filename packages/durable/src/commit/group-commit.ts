import { DurableError, isSqliteError } from '../file/error.ts';
import type { DurableLimits } from '../file/limits.ts';
import type { Transaction } from './transact.ts';

interface Pending {
  readonly change: (tx: Transaction) => unknown;
  readonly addsBytes: number;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

export interface GroupCommit {
  /** Resolves when the commit that holds the change is on disk. */
  add<T>(change: (tx: Transaction) => T, addsBytes: number): Promise<T>;
  /** Resolves when everything added before has been committed or refused. */
  settled(): Promise<void>;
}

type Commit = (change: (tx: Transaction) => unknown[], addsBytes: number) => Promise<unknown[]>;

/** A change that threw, told apart from a commit that failed. */
class Thrown {
  readonly error: unknown;
  constructor(error: unknown) {
    this.error = error;
  }
}

interface Queue {
  readonly limits: DurableLimits;
  pending: Pending[];
  bytes: number;
  /** Changes in front that are committed one by one, because one of them throws. */
  alone: number;
}

/**
 * Joins what is added in one turn of the event loop into one commit; gives the loop a turn between two commits. A commit takes
 * changes from the front until its time is used up, at least one: the others come with the next one. When one of them throws
 * nothing of that commit stays, and each gets a commit of its own.
 */
export function createGroupCommit(limits: DurableLimits, commit: Commit): GroupCommit {
  const queue: Queue = { limits, pending: [], bytes: 0, alone: 0 };
  let running: Promise<void> | null = null;

  async function run(): Promise<void> {
    while (queue.pending.length > 0) {
      await new Promise((resolve) => setImmediate(resolve));
      await commitNext(queue, commit);
    }
    running = null;
  }

  return {
    add<T>(change: (tx: Transaction) => T, addsBytes: number) {
      const actual = queue.bytes + addsBytes;
      if (queue.pending.length > 0 && actual > limits.pendingBytesMax) {
        const exceeded = { limit: 'pendingBytesMax', maximum: limits.pendingBytesMax, actual };
        const message = `Cannot commit: ${actual} bytes wait for their commit, await earlier changes first`;
        return Promise.reject(new DurableError('busy', message, { exceeded }));
      }
      queue.bytes = actual;
      return new Promise<T>((resolve, reject) => {
        queue.pending.push({ change, addsBytes, resolve: resolve as (result: unknown) => void, reject });
        running ??= run();
      });
    },
    settled: () => running ?? Promise.resolve(),
  };
}

async function commitNext(queue: Queue, commit: Commit): Promise<void> {
  const batch = nextBatch(queue);
  const bytes = batch.reduce((sum, entry) => sum + entry.addsBytes, 0);
  try {
    const results = await commit((tx) => runWithin(tx, batch, queue.limits.commitBudgetMs), bytes);
    take(queue, results.length);
    for (let index = 0; index < results.length; index++) batch[index]?.resolve(results[index]);
  } catch (error) {
    if (error instanceof Thrown && batch.length > 1) {
      queue.alone = batch.length;
      return;
    }
    take(queue, batch.length);
    for (const entry of batch) entry.reject(error instanceof Thrown ? error.error : error);
  }
}

function nextBatch({ pending, alone, limits }: Queue): Pending[] {
  const [first] = pending;
  if (alone > 0 || first === undefined) return pending.slice(0, 1);
  let bytes = 0;
  let count = 0;
  for (const entry of pending) {
    // Those that may use the reserve do not share a commit with those that may not.
    if (count === limits.commitChangesMax || bytes >= limits.commitBytesMax) break;
    if (entry.addsBytes > 0 !== first.addsBytes > 0) break;
    bytes += entry.addsBytes;
    count++;
  }
  return pending.slice(0, count);
}

function take(queue: Queue, count: number): void {
  for (let index = 0; index < count; index++) queue.bytes -= queue.pending[index]?.addsBytes ?? 0;
  queue.pending = queue.pending.slice(count);
  queue.alone = Math.max(0, queue.alone - count);
}

/** Runs changes until the time of one commit is used up, at least one. */
function runWithin(tx: Transaction, batch: readonly Pending[], budgetMs: number): unknown[] {
  const untilMs = performance.now() + budgetMs;
  const results: unknown[] = [];
  for (const { change } of batch) {
    results.push(runOne(tx, change));
    if (performance.now() > untilMs) break;
  }
  return results;
}

/** What SQLite throws is for the whole commit: a full disk, damage, another process. Everything else is the change's own. */
function runOne(tx: Transaction, change: (tx: Transaction) => unknown): unknown {
  try {
    return change(tx);
  } catch (error) {
    if (isSqliteError(error) && (error.errcode & 0xff) !== 19 && (error.errcode & 0xff) !== 1) throw error;
    throw new Thrown(error);
  }
}
