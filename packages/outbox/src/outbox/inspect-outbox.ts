import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { readVersion } from '../store/schema.ts';
import { translateSqliteError } from '../store/sqlite-error.ts';
import { createStatements, type Sql } from '../store/statements.ts';
import { OutboxError } from './error.ts';
import { type OutboxLimits, resolveLimits } from './limits.ts';
import { createLook, type OutboxLook } from './look.ts';
import { checkTable } from './table-name.ts';

export interface InspectOptions {
  /** An existing file; nothing is made, repaired or written, whatever state it is in. */
  readonly path: string;
  /** Name of the table. @defaultValue the only outbox in the file */
  readonly table?: string;
  readonly limits?: Partial<OutboxLimits>;
}

/** A look at a file that another process may be using. */
export interface OutboxInspector extends OutboxLook, Disposable {
  readonly table: string;
}

/**
 * Opens an outbox for reading only, while another process may hold and change it; each answer is consistent in itself.
 * @throws OutboxError `no_outbox` (nothing there, or no outbox in it), `damaged`, `busy`, `newer_version`, `foreign_table`;
 * TypeError for a strange table name
 */
export function inspectOutbox({ path, table, limits: given }: InspectOptions): OutboxInspector {
  if (table !== undefined) checkTable(table);
  const limits = resolveLimits(given);
  const database = openForReading(path, limits);
  try {
    const name = chooseTable(database, path, table);
    if (readVersion(database, name) < 2)
      throw new OutboxError(
        'older_version',
        `Cannot read outbox ${path}: it is of an older version, start the current version of the program that owns it once`,
      );
    const sql = createStatements(database, name);
    const read = async <T>(look: (sql: Sql) => T): Promise<T> => translated(path, () => look(sql));
    const viewed = { table: name, database: () => database, read };
    return { table: name, ...createLook(viewed, limits), [Symbol.dispose]: () => database.close() };
  } catch (error) {
    database.close();
    throw translateSqliteError(error, `Cannot read outbox ${path}`);
  }
}

/** The names of the outboxes in an open database. */
export function outboxTables(database: DatabaseSync): string[] {
  const names = database
    .prepare(
      "SELECT substr(name, 1, length(name) - 6) AS name FROM sqlite_schema WHERE type = 'table' AND name LIKE '%\\_total' ESCAPE '\\' ORDER BY name",
    )
    .all()
    .map((row) => row.name as string);
  const exists = database.prepare(
    "SELECT count(*) AS count FROM sqlite_schema WHERE type = 'table' AND name IN (?, ?)",
  );
  return names.filter((name) => exists.get(name, `${name}_meta`)?.count === 2);
}

function chooseTable(database: DatabaseSync, path: string, wanted: string | undefined): string {
  const found = outboxTables(database);
  const [only, ...more] = wanted === undefined ? found : found.filter((name) => name === wanted);
  if (only !== undefined && more.length === 0) return only;
  const choice = found.length === 0 ? 'it holds none' : `it holds ${found.join(', ')}; choose one with \`table\``;
  throw new OutboxError('no_outbox', `Cannot find outbox ${wanted ?? 'table'} in ${path}: ${choice}`);
}

function openForReading(path: string, limits: OutboxLimits): DatabaseSync {
  if (!existsSync(path)) throw new OutboxError('no_outbox', `Cannot read outbox ${path}: there is no such file`);
  if (!statSync(path).isFile()) throw new OutboxError('no_outbox', `Cannot read outbox ${path}: it is not a file`);
  return translated(path, () => {
    const database = new DatabaseSync(isFrozen(path) ? frozenUrl(path) : path, {
      readOnly: true,
      timeout: limits.lockWaitMs,
    });
    try {
      database.exec('PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON');
      database.prepare('SELECT count(*) FROM sqlite_schema').get();
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  });
}

/** A file in a directory we cannot write to, with no WAL: nobody can be changing it, and SQLite could not make its side files. */
function isFrozen(path: string): boolean {
  if (existsSync(`${path}-wal`)) return false;
  try {
    accessSync(dirname(path), constants.W_OK);
    return false;
  } catch {
    return true;
  }
}

function frozenUrl(path: string): URL {
  const url = pathToFileURL(path);
  url.searchParams.set('immutable', '1');
  return url;
}

function translated<T>(path: string, look: () => T): T {
  try {
    return look();
  } catch (error) {
    throw translateSqliteError(error, `Cannot read outbox ${path}`);
  }
}
