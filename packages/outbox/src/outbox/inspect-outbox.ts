import { existsSync, realpathSync, statSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { openReader, type Reader } from '../store/reader.ts';
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
  const reader = openForReading(path, limits);
  const look = <T>(work: (database: DatabaseSync) => T): T => translated(path, () => reader.look(work));
  try {
    const name = look((database) => chooseTable(database, path, table));
    if (look((database) => readVersion(database, name)) < 2)
      throw new OutboxError(
        'older_version',
        `Cannot read outbox ${path}: it is of an older version, start the current version of the program that owns it once`,
      );
    const sqlOf = statementsOf(name);
    const read = async <T>(work: (sql: Sql, database: DatabaseSync) => T): Promise<T> =>
      look((database) => work(sqlOf(database), database));
    return { table: name, ...createLook({ table: name, read }, limits), [Symbol.dispose]: () => reader.close() };
  } catch (error) {
    reader.close();
    throw error;
  }
}

/** The prepared statements of the connection in use; a reader may change it between two looks. */
function statementsOf(table: string): (database: DatabaseSync) => Sql {
  let known: { readonly database: DatabaseSync; readonly sql: Sql } | null = null;
  return (database) => {
    if (known?.database !== database) known = { database, sql: createStatements(database, table) };
    return known.sql;
  };
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

function openForReading(path: string, limits: OutboxLimits): Reader {
  if (!existsSync(path)) throw new OutboxError('no_outbox', `Cannot read outbox ${path}: there is no such file`);
  if (!statSync(path).isFile()) throw new OutboxError('no_outbox', `Cannot read outbox ${path}: it is not a file`);
  return translated(path, () => openReader(realpathSync(path), limits.lockWaitMs));
}

function translated<T>(path: string, look: () => T): T {
  try {
    return look();
  } catch (error) {
    throw translateSqliteError(error, `Cannot read outbox ${path}`);
  }
}
