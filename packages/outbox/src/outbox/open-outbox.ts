import type { DatabaseSync } from 'node:sqlite';
import { type DrainOptions, type DrainReport, drain } from '../drain/drain.ts';
import { createWakeup } from '../drain/wakeup.ts';
import { openStore } from '../store/database.ts';
import { createGroupCommit, type Result } from '../store/group-commit.ts';
import {
  type Counts,
  dropSelected,
  listRows,
  type RecordSummary,
  readCounts,
  replayRows,
  type Selection,
} from '../store/inspect.ts';
import { acquireLock } from '../store/lock.ts';
import { type EncodedRecord, encodeRecord, type OutboxRecord } from '../store/record.ts';
import { insertRecord, type RecordState } from '../store/records.ts';
import type { Sql } from '../store/statements.ts';
import { type Clock, systemClock } from './clock.ts';
import { OutboxError } from './error.ts';
import type { OutboxEvent } from './event.ts';
import { createJoined } from './joined.ts';
import { type OutboxLimits, resolveLimits } from './limits.ts';

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
  readonly onEvent?: (event: OutboxEvent) => void;
}

/** What became of a record: stored now, or already stored with the same content. */
export interface EnqueueOutcome {
  readonly kind: 'queued' | 'duplicate';
}

export interface ListOptions {
  readonly state?: RecordState;
  /** Cursor of the last record of the page before. */
  readonly after?: number;
  /** At most `listRecordsMax`. @defaultValue 100 */
  readonly limit?: number;
}

export interface Outbox extends AsyncDisposable {
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
   * Delivers, oldest first within priority. One drainer per store, over all processes.
   * @throws OutboxError `drainer_exists`, `closed`, and what makes the store unusable
   */
  drain(options: DrainOptions): Promise<DrainReport>;
  /** Makes the drainer look again at once: after the commit of an `enqueueIn`, and when `isOnline` turned true. */
  wake(): void;
  /** Records without their bodies, in the order in which they were enqueued. */
  list(options?: ListOptions): Promise<RecordSummary[]>;
  count(): Promise<Counts>;
  /** `list({ state: 'quarantined' })`. */
  quarantined(options?: Omit<ListOptions, 'state'>): Promise<RecordSummary[]>;
  /** Gives quarantined or waiting records a new start: ready now, no attempts counted. @returns how many */
  replay(selection: Selection): Promise<number>;
  /** Removes records undelivered, counted and reported. @returns how many */
  drop(selection: Selection): Promise<number>;
}

/**
 * Opens the outbox of a file or of a caller's database.
 * @throws TypeError, RangeError for unusable options; OutboxError `cannot_open`, `read_only`, `busy`, `foreign_table`, `not_durable`
 */
export function openOutbox(options: OpenOutboxOptions): Outbox {
  const table = options.table ?? 'outbox';
  if (!/^[A-Za-z][A-Za-z0-9_]{0,47}$/.test(table))
    throw new TypeError(`Cannot use table name: ${JSON.stringify(table)}`);
  if ((options.path === undefined) === (options.database === undefined)) {
    throw new TypeError('Cannot open an outbox: give either `path` or `database`');
  }
  const limits = resolveLimits(options.limits);
  const clock = options.clock ?? systemClock;
  // After the commit it speaks of, and outside of our own steps: a listener that throws is an uncaught error, never a lost record.
  const emit = (event: OutboxEvent) => queueMicrotask(() => options.onEvent?.(event));
  const store = openStore({
    path: options.path ?? null,
    database: options.database ?? null,
    table,
    limits,
    clock,
    emit,
  });
  const wakeup = createWakeup(clock);
  const closing = new AbortController();
  const joined = createJoined({ store, emit, wake: wakeup.ring });
  let draining: Promise<unknown> | null = null;

  const insert = (sql: Sql, record: EncodedRecord) => insertRecord(sql, record, { nowMs: clock.nowMs(), limits });
  const commits = createGroupCommit(limits, (records) =>
    store.transact((sql) => records.map((record) => refusable(() => insert(sql, record)))),
  );

  function checkOpen(): void {
    if (closing.signal.aborted) throw new OutboxError('closed', 'Cannot use the outbox: it was closed');
  }

  async function enqueue(record: OutboxRecord): Promise<EnqueueOutcome> {
    checkOpen();
    const { kind, dropped } = await commits.add(encodeRecord(record, limits));
    for (const entry of dropped) emit({ type: 'dropped', ...entry });
    if (kind === 'queued') wakeup.ring();
    return { kind };
  }

  function enqueueIn(database: DatabaseSync, record: OutboxRecord): EnqueueOutcome {
    checkOpen();
    if (store.owned || database !== store.database()) {
      throw new TypeError('Cannot join a transaction: it is not on the `database` this outbox was opened with');
    }
    if (!database.isTransaction)
      throw new TypeError('Cannot join a transaction: none is open, BEGIN one or use enqueue');
    const { kind, dropped } = insert(store.sql(), encodeRecord(record, limits));
    joined.added(dropped);
    return { kind };
  }

  async function drainAlone(drainOptions: DrainOptions): Promise<DrainReport> {
    checkOpen();
    const release = claim(store.path, table, draining !== null);
    const run = drain(
      { store, limits, clock, random: options.random ?? Math.random, emit, wakeup, closing: closing.signal },
      drainOptions,
    );
    draining = run;
    try {
      return await run;
    } finally {
      draining = null;
      release();
    }
  }

  async function list({ state, after = 0, limit = 100 }: ListOptions = {}): Promise<RecordSummary[]> {
    if (!Number.isSafeInteger(limit) || limit < 1) throw new RangeError(`Cannot list with limit: ${limit}`);
    return store.read((sql) => listRows(sql, { state, after, limit: Math.min(limit, limits.listRecordsMax) }));
  }

  return {
    enqueue,
    enqueueIn,
    drain: drainAlone,
    wake: wakeup.ring,
    list,
    count: () => store.read(readCounts),
    quarantined: (page) => list({ ...page, state: 'quarantined' }),
    async replay(selection) {
      const count = await store.transact((sql) => replayRows(sql, selection));
      wakeup.ring();
      return count;
    },
    async drop(selection) {
      const dropped = await store.transact((sql) => dropSelected(sql, selection));
      for (const entry of dropped) emit({ type: 'dropped', ...entry });
      return dropped.length;
    },
    async [Symbol.asyncDispose]() {
      closing.abort(new OutboxError('closed', 'The outbox is being closed'));
      await commits.settled();
      // Its own caller gets its failure; here only its end matters.
      await Promise.allSettled([draining]);
      store.close();
    },
  };
}

/** Refusals of one record do not undo the others of the same commit; everything else does. */
function refusable(insert: () => ReturnType<typeof insertRecord>): Result {
  try {
    return { insertion: insert() };
  } catch (error) {
    if (error instanceof OutboxError) return { refusal: error };
    throw error;
  }
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
