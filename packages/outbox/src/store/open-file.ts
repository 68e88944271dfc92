import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../outbox/clock.ts';
import { OutboxError } from '../outbox/error.ts';
import type { Emit } from '../outbox/event.ts';
import type { OutboxLimits } from '../outbox/limits.ts';
import type { Reserve } from './reserve.ts';
import { closeDamaged, finishReplacement, salvage, setDirectoryAside } from './salvage.ts';
import { createSchema } from './schema.ts';
import { damage, sqliteCode, translateSqliteError } from './sqlite-error.ts';
import { recountTotals, wrongTotal } from './totals.ts';
import { inTransaction } from './transaction.ts';

/** Pages of WAL after which a commit copies them into the file: few enough not to be felt, many enough to be rare. */
const checkpointPages = 128;

interface OpenFileOptions {
  readonly table: string;
  readonly limits: OutboxLimits;
  readonly clock: Clock;
  readonly emit: Emit;
}

/** Opens a file that belongs to the outbox, whatever state it is in; damage is set aside. @throws OutboxError */
export function openOwned(path: string, options: OpenFileOptions & { readonly reserve: Reserve }): DatabaseSync {
  try {
    finishReplacement(path, options.clock.nowMs());
    const setAsidePath = setDirectoryAside(path, options.clock.nowMs());
    if (setAsidePath !== null) {
      options.emit({ type: 'salvaged', path, setAsidePath, reason: 'a directory', records: 0, lostRecords: 0 });
    }
  } catch (error) {
    throw new OutboxError('cannot_open', `Cannot open outbox ${path}: ${(error as Error).message}`, { cause: error });
  }
  const fault = faultBeforeOpening(path);
  if (fault !== null) return replaceDamaged(path, options, fault);
  try {
    return connectWithRoom(path, options);
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

/** Opening makes the side files of SQLite, for which a full disk has no room; what it calls that depends on which of them failed. */
function connectWithRoom(path: string, options: OpenFileOptions & { readonly reserve: Reserve }): DatabaseSync {
  try {
    return connect(path, options);
  } catch (error) {
    const code = sqliteCode(error);
    const mayBeFull = code === 'disk_full' || code === 'io_failed' || code === 'cannot_open';
    if (!mayBeFull || !options.reserve.release()) throw error;
    return connect(path, options);
  }
}

/** Puts a sound file with what can be read in the place of a damaged one. @throws OutboxError */
export function replaceDamaged(path: string, options: OpenFileOptions, reason: string): DatabaseSync {
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

function connect(path: string, { table, limits }: OpenFileOptions): DatabaseSync {
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
  if (verdict !== 'ok') throw damage(verdict);
  if (wrongTotal(database, table) !== null) inTransaction(database, () => recountTotals(database, table));
}
