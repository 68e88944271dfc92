import { closeSync, existsSync, fsyncSync, openSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type OpenFile, withStatements } from '../commit/transact.ts';
import { syncDirectory } from '../files.ts';
import { damage, faultCode, isSqliteError } from './error.ts';
import type { DurableLimits } from './limits.ts';
import { migrate, type Versions } from './migrate.ts';
import type { DurablePart } from './part.ts';

/** Pages of WAL after which a commit copies them into the file: few enough not to be felt, many enough to be rare. */
const checkpointPages = 128;

export interface ConnectOptions {
  readonly parts: readonly DurablePart[];
  readonly limits: DurableLimits;
  readonly mode: number;
  /** Versions that the parts are brought to. @defaultValue the newest ones */
  readonly upTo?: Versions;
}

/** Opens a file, makes it when it is missing, brings its parts up to date and looks through it when it is small. @throws what SQLite throws */
export function connect(path: string, options: ConnectOptions): OpenFile {
  const { limits, parts } = options;
  const isNew = make(path, options.mode);
  const connection = connectWith(path, limits, (database) => {
    // Only a file without pages can take it, and in another one even asking is a write, which damaged files must not get.
    if (database.prepare('PRAGMA page_count').get()?.page_count === 0)
      database.exec('PRAGMA auto_vacuum = INCREMENTAL');
    database.exec('PRAGMA journal_mode = WAL');
  });
  try {
    const { database, sql } = connection;
    if (!isNew && sql('SELECT 1 FROM sqlite_schema LIMIT 1').get() === undefined) throw damage('its tables are gone');
    inTransaction(database, () => migrateOrDamage(connection, { parts, upTo: options.upTo, isNew }));
    if (statSync(path).size <= limits.openCheckBytesMax) check(connection, parts);
    database.exec('PRAGMA busy_timeout = 0');
    if (isNew) rmSync(`${path}.new`, { force: true });
    return connection;
  } catch (error) {
    closeDamaged(connection.database);
    throw error;
  }
}

/** A step that does not fit what is there: the file is not what its versions say. */
function migrateOrDamage(
  { database, sql }: OpenFile,
  { parts, upTo, isNew }: { parts: readonly DurablePart[]; upTo: Versions | undefined; isNew: boolean },
): void {
  try {
    migrate(database, sql, parts, upTo);
  } catch (error) {
    if (!isNew && isSqliteError(error) && error.errcode === 1) throw damage(`bringing it up to date: ${error.message}`);
    throw error;
  }
}

/** Opens an existing file beside its owner: nothing is made, brought up to date or looked through. @throws what SQLite throws */
export function connectBeside(path: string, limits: DurableLimits): OpenFile {
  const connection = connectWith(path, limits, () => {});
  connection.database.exec('PRAGMA busy_timeout = 0');
  return connection;
}

function connectWith(path: string, limits: DurableLimits, prepare: (database: DatabaseSync) => void): OpenFile {
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    // The first connection after a crash recovers the WAL, which needs the lock for a moment; only opening waits like this.
    database.exec(`PRAGMA busy_timeout = ${limits.lockWaitMs}`);
    prepare(database);
    database.exec(`PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = ${checkpointPages}`);
    database.exec(
      'PRAGMA cache_size = -8192; PRAGMA journal_size_limit = 16777216; PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF',
    );
    return withStatements(database);
  } catch (error) {
    closeDamaged(database);
    throw error;
  }
}

/**
 * Makes the file with its mode. While its tables are not in it `<path>.new` lies beside it: without that, a file in which there is
 * nothing is one that has lost everything.
 * @returns whether there is nothing in it yet
 */
function make(path: string, mode: number): boolean {
  const marker = `${path}.new`;
  if (existsSync(path)) {
    const isUnfinished = existsSync(marker);
    if (!isUnfinished && statSync(path).size === 0) throw damage('an empty file');
    return isUnfinished;
  }
  closeSync(openSync(marker, 'a', mode));
  syncDirectory(dirname(path));
  // SQLite gives its WAL the mode of the file.
  closeSync(openSync(path, 'a', mode));
  return true;
}

export function syncFile(path: string): void {
  const descriptor = openSync(path, process.platform === 'win32' ? 'r+' : 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Reads everything once. Damage shows as the same error that SQLite raises when it meets it by itself. */
function check({ database, sql }: OpenFile, parts: readonly DurablePart[]): void {
  const [verdict] = integrity(database, 1);
  if (verdict !== undefined) throw damage(verdict);
  for (const { mend } of parts) if (mend) inTransaction(database, () => mend(sql, null));
}

/** What is wrong with the structure of the file, or of one table and its indexes, in the words of SQLite. */
export function integrity(database: DatabaseSync, most: number | string): string[] {
  const verdicts = database.prepare(`PRAGMA integrity_check(${most})`).all();
  return verdicts.map((row) => String(row.integrity_check)).filter((verdict) => verdict !== 'ok');
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

/** Closes a database that is known to be damaged: that may fail for the very damage that is being handled. */
export function closeDamaged(database: DatabaseSync): void {
  try {
    if (database.isOpen) database.close();
  } catch (error) {
    if (faultCode(error) === null) throw error;
  }
}
