import type { DatabaseSync } from 'node:sqlite';
import { type Clock, pause } from '../outbox/clock.ts';
import { OutboxError } from '../outbox/error.ts';
import type { Emit } from '../outbox/event.ts';
import type { OutboxLimits } from '../outbox/limits.ts';
import { openOwned, replaceDamaged } from './open-file.ts';
import { resolvePath } from './path.ts';
import { createReserve, noReserve } from './reserve.ts';
import { closeDamaged } from './salvage.ts';
import { createSchema } from './schema.ts';
import { checkpoint, giveBackSpace } from './space.ts';
import { sqliteCode, translateSqliteError } from './sqlite-error.ts';
import { createStatements, type Sql } from './statements.ts';
import { createTotals, type Tx } from './totals.ts';
import { inTransaction } from './transaction.ts';

/** Work on the database in one turn of the event loop after which the rest waits for the next one, ms. */
const turnBudgetMs = 1;

export interface StoreOptions {
  readonly path: string | null;
  readonly database: DatabaseSync | null;
  readonly table: string;
  readonly limits: OutboxLimits;
  readonly clock: Clock;
  readonly emit: Emit;
}

/** One connection and the two ways to use it: a look at it, and one durable commit. */
export interface Store {
  /** The file, or null for a database in memory. */
  readonly path: string | null;
  readonly table: string;
  /** True when the outbox opened the file itself and closes it. */
  readonly owned: boolean;
  readonly database: () => DatabaseSync;
  readonly sql: () => Sql;
  /** Looks while no transaction is open on this connection. */
  read<T>(look: (sql: Sql, database: DatabaseSync) => T): Promise<T>;
  /** Runs `change`, which adds no record, in one transaction of its own; resolved means on disk. Gets the reserve of a full disk. */
  transact<T>(change: (tx: Tx) => T): Promise<T>;
  /** The same for a `change` that adds records of so many bytes: it fails rather than use up the room that removals may need. */
  add<T>(change: (tx: Tx) => T, addedBytes: number): Promise<T>;
  /** Runs `change` inside the transaction that the caller has open. */
  join<T>(change: (tx: Tx) => T): T;
  /** One step of giving free space of our own file back to the disk. @returns whether there is more to do */
  reclaim(): Promise<boolean>;
  close(): void;
}

/** Opens or takes over a database; damage to a file of ours is set aside and salvaged. */
export function openStore(options: StoreOptions): Store {
  const { limits, clock, table } = options;
  const path = options.path === null ? null : resolvePath(options.path);
  const reserve = path === null ? noReserve : createReserve(path, limits.diskReserveBytes);
  let database = path === null ? adopt(options) : openOwned(path, { ...options, reserve });
  let sql = createStatements(database, table);
  let closed = false;

  function recover(cause: unknown): void {
    if (path === null) throw translateSqliteError(cause, 'Cannot use the database');
    closeDamaged(database);
    database = replaceDamaged(path, options, String(cause));
    sql = createStatements(database, table);
  }

  const turns = createTurns();

  /** Room for a change that adds nothing, on a disk that has none. */
  function makeRoom(): void {
    reserve.release();
    try {
      // What the WAL holds goes into the file first: then the change is written over it.
      if (path !== null) checkpoint(database);
    } catch (error) {
      // Still no room, or a lock: the next try of the change says which.
      if (sqliteCode(error) === null) throw error;
    }
  }

  async function exclusively<T>(work: () => T, { adds = false } = {}): Promise<T> {
    const untilMs = clock.nowMs() + limits.lockWaitMs;
    for (let delayMs = 1, recovered = false, isRoomMade = adds; ; ) {
      while (turns.isSpent()) await turns.next();
      if (closed) throw new OutboxError('closed', 'Cannot use the outbox: it was closed');
      // Work starts in the same turn as this check, so no caller's transaction can begin in between.
      if (!database.isTransaction) {
        try {
          return turns.spend(work);
        } catch (error) {
          const code = sqliteCode(error);
          if (code === 'damaged' && !recovered) {
            recover(error);
            recovered = true;
            continue;
          }
          if (code === 'disk_full' && !isRoomMade) {
            makeRoom();
            isRoomMade = true;
            continue;
          }
          if (code !== 'busy' || clock.nowMs() >= untilMs) throw translateSqliteError(error, 'Cannot use the outbox');
        }
      } else if (clock.nowMs() >= untilMs) {
        throw new OutboxError('busy', `Cannot use the outbox: a transaction is open for over ${limits.lockWaitMs} ms`);
      }
      await pause(clock, delayMs);
      delayMs = Math.min(delayMs * 2, 50);
    }
  }

  function commit<T>(change: (tx: Tx) => T): T {
    return inTransaction(database, () => counted(sql, clock.nowMs(), change));
  }

  return {
    // Links resolved, so that all who open one file agree on the name of its lock.
    path: database.location(),
    table,
    owned: path !== null,
    database: () => database,
    sql: () => sql,
    read: (look) => exclusively(() => look(sql, database)),
    transact: (change) => exclusively(() => commit(change)),
    add(change, addedBytes) {
      const work = () => {
        reserve.hold(addedBytes);
        return commit(change);
      };
      return exclusively(work, { adds: true });
    },
    join: (change) => counted(sql, clock.nowMs(), change),
    async reclaim() {
      return path !== null && (await exclusively(() => giveBackSpace(database, path)));
    },
    close() {
      closed = true;
      if (path !== null && database.isOpen) database.close();
    },
  };
}

/** Whose commits and looks fall into one turn of the event loop add up; this spreads them over turns. */
function createTurns() {
  let spentMs = 0;
  let isFollowed = false;
  return {
    isSpent: () => spentMs > turnBudgetMs,
    next: () => new Promise((resolve) => setImmediate(resolve)),
    spend<T>(work: () => T): T {
      const startedMs = performance.now();
      try {
        return work();
      } finally {
        spentMs += performance.now() - startedMs;
        if (!isFollowed) {
          isFollowed = true;
          setImmediate(() => {
            spentMs = 0;
            isFollowed = false;
          });
        }
      }
    },
  };
}

/** Runs a change and writes the totals that it moved, before its commit. */
function counted<T>(sql: Sql, nowMs: number, change: (tx: Tx) => T): T {
  const totals = createTotals(sql);
  const result = change({ sql, totals, nowMs });
  totals.flush();
  return result;
}

function adopt({ database, table }: StoreOptions): DatabaseSync {
  if (!database) throw new TypeError('Cannot open an outbox: give `path` or `database`');
  if (database.isTransaction) throw new TypeError('Cannot open an outbox: a transaction is open on `database`');
  try {
    const synchronous = Number(database.prepare('PRAGMA synchronous').get()?.synchronous);
    if (synchronous < 2) {
      throw new OutboxError(
        'not_durable',
        `Cannot promise durability: PRAGMA synchronous is ${synchronous}, set it to FULL`,
      );
    }
    inTransaction(database, () => createSchema(database, table));
  } catch (error) {
    throw translateSqliteError(error, 'Cannot use the given database for an outbox');
  }
  return database;
}
