import type { DatabaseSync } from 'node:sqlite';
import { type DrainOptions, type DrainReport, drain } from '../drain/drain.ts';
import type { Ended } from '../drain/flights.ts';
import { createWakeup } from '../drain/wakeup.ts';
import { openStore, type Store } from '../store/database.ts';
import type { Dropped } from '../store/drops.ts';
import { createGroupCommit } from '../store/group-commit.ts';
import { acquireLock } from '../store/lock.ts';
import { type EncodedRecord, encodeRecord, type OutboxRecord } from '../store/record.ts';
import { type Insertion, insertRecord } from '../store/records.ts';
import type { Tx } from '../store/totals.ts';
import { type Clock, systemClock } from './clock.ts';
import { createEmit } from './emit.ts';
import { OutboxError } from './error.ts';
import { droppedEvent, type OutboxEvent } from './event.ts';
import { createJoined } from './joined.ts';
import { type OutboxLimits, resolveLimits } from './limits.ts';
import { createLook, type OutboxLook } from './look.ts';
import { createRepair, type OutboxRepair } from './repair.ts';
import { checkTable } from './table-name.ts';

export interface OpenOutboxOptions {
  /** A file that belongs to the outbox alone; made when missing, set aside and salvaged when damaged. Or give `database`. */
  readonly path?: string;
  /** A database of the caller, with `PRAGMA synchronous` FULL or EXTRA; the caller closes it. */
  readonly database?: DatabaseSync;
  /** Name of the table; letters, digits and `_`, at most 48. @defaultValue 'outbox' */
  readonly table?: string;
  readonly limits?: Partial<OutboxLimits>;
  readonly clock?: Clock;
  /** Jitter of the back-off, in [0, 1). @defaultValue Math.random */
  readonly random?: () => number;
  /** What it throws harms nothing and is told once, as a process warning. */
  readonly onEvent?: (event: OutboxEvent) => void;
}

/** What became of a record: stored now, or already stored with the same content. */
export interface EnqueueOutcome {
  readonly kind: 'queued' | 'duplicate';
}

export interface Outbox extends OutboxLook, OutboxRepair, AsyncDisposable {
  /**
   * Stores a record; resolved means on disk. Calls of one event-loop turn share one commit.
   * @throws OutboxError `id_conflict`, `over_budget`, `record_too_large`, `busy`, `disk_full`, `read_only`, `closed`
   */
  enqueue(record: OutboxRecord): Promise<EnqueueOutcome>;
  /**
   * Stores a record inside the transaction that is open on the `database` given at opening: durable with its COMMIT, gone with
   * its ROLLBACK. The drainer looks on the next turn; call `wake()` if the commit comes later than that.
   * @throws as `enqueue`; TypeError for another database or without an open transaction
   */
  enqueueIn(database: DatabaseSync, record: OutboxRecord): EnqueueOutcome;
  /**
   * Delivers, oldest first within priority, and strictly in order per `orderKey`. One drainer per store, over all processes.
   * @throws OutboxError `drainer_exists`, `closed`, and what makes the store unusable
   */
  drain(options: DrainOptions): Promise<DrainReport>;
  /** Makes the drainer look again at once: after the commit of an `enqueueIn`, and when `isOnline` turned true. */
  wake(): void;
}

/**
 * Opens the outbox of a file or of a caller's database; tables of an older version are brought up to date.
 * @throws TypeError, RangeError for unusable options; OutboxError `cannot_open`, `read_only`, `busy`, `foreign_table`,
 * `newer_version`, `not_durable`
 */
export function openOutbox(options: OpenOutboxOptions): Outbox {
  const table = checkTable(options.table ?? 'outbox');
  if ((options.path === undefined) === (options.database === undefined)) {
    throw new TypeError('Cannot open an outbox: give either `path` or `database`');
  }
  const limits = resolveLimits(options.limits);
  const clock = options.clock ?? systemClock;
  const emit = createEmit(options.onEvent);
  const { path = null, database = null } = options;
  const store = openStore({ path, database, table, limits, clock, emit });
  const wakeup = createWakeup(clock);
  const closing = new AbortController();
  const joined = createJoined({ store, limits, clock, emit, wake: wakeup.ring });
  const unsettled: Ended[] = [];
  const report = (dropped: readonly Dropped[]) => {
    for (const entry of dropped) emit(droppedEvent(entry));
  };
  const commits = createGroupCommit(limits, (records) => {
    const bytes = records.reduce((sum, record) => sum + record.bytes, 0);
    return store.add((tx) => insertWithin(tx, { records, limits }), bytes);
  });
  let draining: Promise<unknown> | null = null;

  function checkOpen(): void {
    if (closing.signal.aborted) throw new OutboxError('closed', 'Cannot use the outbox: it was closed');
  }

  async function enqueue(record: OutboxRecord): Promise<EnqueueOutcome> {
    checkOpen();
    const insertion = await commits.add(encodeRecord(record, limits));
    report(insertion.dropped);
    if (insertion.kind === 'queued') wakeup.ring();
    return outcomeOf(insertion);
  }

  function enqueueIn(joinedDatabase: DatabaseSync, record: OutboxRecord): EnqueueOutcome {
    checkOpen();
    checkJoinable(store, joinedDatabase);
    const encoded = encodeRecord(record, limits);
    const insertion = store.join((tx) => insertRecord(tx, encoded, limits));
    joined.added(insertion.dropped);
    return outcomeOf(insertion);
  }

  async function drainAlone(drainOptions: DrainOptions): Promise<DrainReport> {
    checkOpen();
    const release = claim(store.path, table, draining !== null);
    const random = options.random ?? Math.random;
    const context = { store, limits, clock, random, emit, wakeup, unsettled, closing: closing.signal };
    const run = drain(context, drainOptions);
    draining = run;
    try {
      return await run;
    } finally {
      draining = null;
      release();
    }
  }

  return {
    ...createLook(store, limits),
    ...createRepair({ store, limits, report, wake: wakeup.ring }),
    enqueue,
    enqueueIn,
    drain: drainAlone,
    wake() {
      wakeup.ring();
      joined.look();
    },
    async [Symbol.asyncDispose]() {
      closing.abort(new OutboxError('closed', 'The outbox is being closed'));
      await commits.settled();
      // Its own caller gets its failure; here only its end matters.
      await Promise.allSettled([draining]);
      await joined.settled();
      store.close();
    },
  };
}

/** Adds records until the time of one commit is used up, at least one. */
function insertWithin(
  tx: Tx,
  { records, limits }: { records: readonly EncodedRecord[]; limits: OutboxLimits },
): Insertion[] {
  const untilMs = performance.now() + limits.commitBudgetMs;
  const insertions: Insertion[] = [];
  for (const record of records) {
    insertions.push(insertRecord(tx, record, limits));
    if (performance.now() > untilMs) break;
  }
  return insertions;
}

function outcomeOf(insertion: Insertion): EnqueueOutcome {
  if (insertion.kind === 'refused') throw insertion.error;
  return { kind: insertion.kind };
}

function checkJoinable(store: Store, database: DatabaseSync): void {
  if (store.owned || database !== store.database())
    throw new TypeError('Cannot join a transaction: it is not on the `database` this outbox was opened with');
  if (!database.isTransaction) throw new TypeError('Cannot join a transaction: none is open, BEGIN one or use enqueue');
}

/** One drainer per store: in this outbox by its own knowledge, elsewhere by a lock beside the file. */
function claim(path: string | null, table: string, draining: boolean): () => void {
  const release = draining ? null : path === null ? () => {} : acquireLock(`${path}.${table}.drainer`);
  if (release) return release;
  throw new OutboxError(
    'drainer_exists',
    `Cannot drain ${path ?? 'this database'}: another drainer of table ${table} is running`,
  );
}
