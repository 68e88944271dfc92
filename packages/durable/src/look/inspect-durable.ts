import { existsSync, realpathSync, statSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { type OpenFile, withStatements } from '../commit/transact.ts';
import { DurableError, translateFault } from '../file/error.ts';
import { readVersions } from '../file/migrate.ts';
import type { DurablePart, Sql } from '../file/part.ts';
import { checkParts } from '../file/part.ts';
import { createLook, type DurableLook } from './look.ts';
import { openReader } from './reader.ts';

export interface InspectDurableOptions {
  /** An existing file; nothing is made, repaired or written, whatever state it is in. */
  readonly path: string;
  /** Parts whose tables are to be looked at. @defaultValue none: only `read`, `partNames` and `salvages` are of use */
  readonly parts?: readonly DurablePart[];
  /** How long a look waits for a program that writes, ms. @defaultValue 10_000 */
  readonly lockWaitMs?: number;
}

/** A look at a file that another process may be using; each `read` is consistent in itself. */
export interface DurableInspector extends DurableLook, Disposable {
  /** The same as `read`, at once. */
  look<T>(look: (sql: Sql) => T): T;
}

/**
 * Opens a durable file for reading only, while its owner may hold and change it.
 * @throws DurableError `no_file`, `damaged`, `busy`, `newer_version`, `older_version` (a part that its owner has to bring up to date)
 */
export function inspectDurable({ path, parts = [], lockWaitMs = 10_000 }: InspectDurableOptions): DurableInspector {
  checkParts(parts);
  if (!existsSync(path)) throw new DurableError('no_file', `Cannot read ${path}: there is no such file`);
  if (!statSync(path).isFile()) throw new DurableError('no_file', `Cannot read ${path}: it is not a file`);
  const reader = translated(path, () => openReader(realpathSync(path), lockWaitMs));
  const sqlOf = statementsOf();
  const look = <T>(work: (sql: Sql, database: DatabaseSync) => T): T =>
    translated(path, () => reader.look((database) => work(sqlOf(database), database)));
  try {
    look((sql, database) => checkVersions(path, { sql, database, parts }));
  } catch (error) {
    reader.close();
    throw error;
  }
  return {
    ...createLook({ path: realpathSync(path), parts, read: async (work) => look(work) }),
    look: (work) => look((sql) => work(sql)),
    [Symbol.dispose]: () => reader.close(),
  };
}

function checkVersions(
  path: string,
  { sql, database, parts }: { sql: Sql; database: DatabaseSync; parts: readonly DurablePart[] },
): void {
  const versions = readVersions(database, sql, parts);
  const older = parts.find(({ name, migrations }) => (versions.get(name) ?? 0) < migrations.length);
  if (older === undefined) return;
  const isThere = versions.has(older.name);
  const message = isThere
    ? `its ${older.name} is of an older version, start the current version of the program that owns it once`
    : `it holds no ${older.name}`;
  throw new DurableError(isThere ? 'older_version' : 'no_file', `Cannot read ${path}: ${message}`);
}

/** The prepared statements of the connection in use; a reader may change it between two looks. */
function statementsOf(): (database: DatabaseSync) => Sql {
  let known: OpenFile | null = null;
  return (database) => {
    if (known?.database !== database) known = withStatements(database);
    return known.sql;
  };
}

function translated<T>(path: string, look: () => T): T {
  try {
    return look();
  } catch (error) {
    throw translateFault(error, `Cannot read ${path}`);
  }
}
