import { accessSync, constants, existsSync, realpathSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type Clock, pause } from '../outbox/clock.ts';
import { OutboxError } from '../outbox/error.ts';
import type { Emit } from '../outbox/event.ts';
import type { OutboxLimits } from '../outbox/limits.ts';
import { closeDamaged, finishReplacement, salvage, setAsideUnlessFile } from './salvage.ts';
import { createSchema } from './schema.ts';
import { sqliteCode, translateSqliteError } from './sqlite-error.ts';
import { createStatements, type Sql } from './statements.ts';
import { createTotals, recountTotals, type Tx, wrongTotal } from './totals.ts';

/** Free pages that stay for the next records, and pages given back at a time (4 KiB each). */
const reservedPages = 256;
const reclaimedPages = 256;

/** Work on the database in one turn of the event loop after which the rest waits for the next one, ms. */
const turnBudgetMs = 1;

/** Pages of WAL after which a commit copies them into the file: few enough not to be felt, many enough to be rare. */
const checkpointPages = 128;

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
  read<T>(look: (sql: Sql) => T): Promise<T>;
  /** Runs `change` in one transaction of its own; resolved means that it is on disk. */
  transact<T>(change: (tx: Tx) => T): Promise<T>;
  /** Runs `change` inside the transaction that the caller has open. */
  join<T>(change: (tx: Tx) => T): T;
  /** Gives a bounded number of free pages of our own file back to the disk. @returns whether there are more */
  reclaim(): Promise<boolean>;
  close(): void;
}

/** Opens or takes over a database; damage to a file of ours is set aside and salvaged. */
export function openStore(options: StoreOptions): Store {
  const { limits, clock, table } = options;
  const path = options.path === null ? null : realPath(options.path);
  let database = path === null ? adopt(options) : openOwned(path, options);
  let sql = createStatements(database, table);
  let closed = false;

  function recover(cause: unknown): void {
    if (path === null) throw translateSqliteError(cause, 'Cannot use the database');
    closeDamaged(database);
    database = replaceDamaged(path, options, String(cause));
    sql = createStatements(database, table);
  }

  const turns = createTurns();

  async function exclusively<T>(work: () => T): Promise<T> {
    const untilMs = clock.nowMs() + limits.lockWaitMs;
    for (let delayMs = 1, recovered = false; ; ) {
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
          if (code !== 'busy' || clock.nowMs() >= untilMs) throw translateSqliteError(error, 'Cannot use the outbox');
        }
      } else if (clock.nowMs() >= untilMs) {
        throw new OutboxError('busy', `Cannot use the outbox: a transaction is open for over ${limits.lockWaitMs} ms`);
      }
      await pause(clock, delayMs);
      delayMs = Math.min(delayMs * 2, 50);
    }
  }

  return {
    // Links resolved, so that all who open one file agree on the name of its lock.
    path: database.location(),
    table,
    owned: path !== null,
    database: () => database,
    sql: () => sql,
    read: (look) => exclusively(() => look(sql)),
    transact: (change) => exclusively(() => inTransaction(database, () => counted(sql, clock.nowMs(), change))),
    join: (change) => counted(sql, clock.nowMs(), change),
    async reclaim() {
      return path !== null && (await exclusively(() => reclaimPages(database)));
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

/** One step of a vacuum: free pages over the reserve, few enough not to be felt. */
function reclaimPages(database: DatabaseSync): boolean {
  const free = () => Number(database.prepare('PRAGMA freelist_count').get()?.freelist_count) - reservedPages;
  const before = free();
  if (before <= 0) return false;
  database.exec(`PRAGMA incremental_vacuum(${Math.min(before, reclaimedPages)})`);
  const after = free();
  // A file made without auto_vacuum keeps its pages for later records: nothing changes, and that is all that can be done.
  return after > 0 && after < before;
}

/** SQLite keeps the WAL beside the file a link points to, so that is where a salvage has to work. */
function realPath(path: string): string {
  return existsSync(path) ? realpathSync(path) : resolve(path);
}

/** One transaction that holds the write lock from its first statement. */
export function inTransaction<T>(database: DatabaseSync, change: () => T): T {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = change();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    // A full disk or an I/O error may have rolled back already.
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
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

function openOwned(path: string, options: StoreOptions): DatabaseSync {
  try {
    finishReplacement(path, options.clock.nowMs());
    const setAsidePath = setAsideUnlessFile(path, options.clock.nowMs());
    if (setAsidePath !== null) {
      options.emit({ type: 'salvaged', path, setAsidePath, reason: 'not a file', records: 0, lostRecords: 0 });
    }
  } catch (error) {
    throw new OutboxError('cannot_open', `Cannot open outbox ${path}: ${(error as Error).message}`, { cause: error });
  }
  const fault = faultBeforeOpening(path);
  if (fault !== null) return replaceDamaged(path, options, fault);
  try {
    return connect(path, options);
  } catch (error) {
    if (sqliteCode(error) === 'cannot_open' && isReadOnly(path))
      throw new OutboxError('read_only', `Cannot open outbox ${path}: it cannot be written here`, { cause: error });
    if (sqliteCode(error) !== 'damaged') throw translateSqliteError(error, `Cannot open outbox ${path}`);
    return replaceDamaged(path, options, (error as Error).message);
  }
}

/** A file that is there, in a place that takes no side files: SQLite calls that "unable to open". */
function isReadOnly(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
  } catch {
    return false;
  }
  try {
    accessSync(path, constants.W_OK);
    accessSync(dirname(path), constants.W_OK);
    return false;
  } catch {
    return true;
  }
}

function replaceDamaged(path: string, options: StoreOptions, reason: string): DatabaseSync {
  try {
    const create = (target: string) => connect(target, options);
    const outcome = salvage({ path, table: options.table, nowMs: options.clock.nowMs(), create });
    options.emit({ type: 'salvaged', path, reason, ...outcome });
    return connect(path, options);
  } catch (error) {
    if (error instanceof OutboxError) throw error;
    const code = sqliteCode(error) ?? 'cannot_open';
    throw new OutboxError(code, `Cannot set the damaged outbox ${path} aside: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** SQLite deletes the WAL beside an empty database file: to it that is a new database, to us it is a truncated one. */
function faultBeforeOpening(path: string): string | null {
  const wal = `${path}-wal`;
  if (!existsSync(path)) return null;
  return statSync(path).size === 0 && existsSync(wal) && statSync(wal).size > 0 ? 'empty file beside a WAL' : null;
}

function connect(path: string, { table, limits }: StoreOptions): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    // The first connection after a crash recovers the WAL, which needs the lock for a moment; only opening waits like this.
    database.exec(`PRAGMA busy_timeout = ${limits.lockWaitMs}`);
    // Only a file without pages can take it, and in another one even asking is a write, which damaged files must not get.
    if (database.prepare('PRAGMA page_count').get()?.page_count === 0)
      database.exec('PRAGMA auto_vacuum = INCREMENTAL');
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
    database.exec(`PRAGMA wal_autocheckpoint = ${checkpointPages}`);
    database.exec(
      'PRAGMA cache_size = -8192; PRAGMA journal_size_limit = 16777216; PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF',
    );
    inTransaction(database, () => createSchema(database, table));
    if (statSync(path).size <= limits.openCheckBytesMax) check(database, table);
    database.exec('PRAGMA busy_timeout = 0');
    return database;
  } catch (error) {
    closeDamaged(database);
    throw error;
  }
}

/** Reads everything once. Damage shows as the same error that SQLite raises when it meets it by itself. */
function check(database: DatabaseSync, table: string): void {
  const verdict = String(database.prepare('PRAGMA integrity_check(1)').get()?.integrity_check);
  if (verdict !== 'ok') throw Object.assign(new Error(verdict), { errcode: 11 });
  if (wrongTotal(database, table) !== null) inTransaction(database, () => recountTotals(database, table));
}
