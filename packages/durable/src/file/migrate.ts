import type { DatabaseSync } from 'node:sqlite';
import { crc32 } from 'node:zlib';
import { DurableError, damage } from './error.ts';
import type { AdoptedFile, DurablePart, SalvageReport, Sql } from './part.ts';

/** Format of the tables below, written down like the version of a part; in the place of its schema, the `user_version` of before. */
const format = { name: 'durable', version: 1, tables: '' } as const;

/** Told to programs of before, which look at `user_version` and refuse what they do not know; nothing else is read from it. */
const guardVersion = 1_000;

const ownTables = `
CREATE TABLE durable_part (
  name TEXT PRIMARY KEY, version INTEGER NOT NULL, tables TEXT NOT NULL, schema INTEGER NOT NULL, checksum INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE durable_salvage (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, report TEXT NOT NULL
) STRICT;
PRAGMA user_version = ${guardVersion};`;

/** Versions that parts are brought to; the newest ones where it says nothing. */
export type Versions = ReadonlyMap<string, number>;

/**
 * Brings every part up to date, inside the transaction that is open. Does nothing, and writes nothing, for a file that is.
 * @throws DurableError `newer_version`; damage where a schema is not what was written down
 */
export function migrate(database: DatabaseSync, sql: Sql, parts: readonly DurablePart[], upTo?: Versions): void {
  const before = versionBefore(sql);
  const isOurs = before !== null;
  const userVersion = before ?? userVersionOf(database);
  if (!isOurs) {
    if (userVersion === guardVersion) throw damage('the table that counts its parts is gone');
    database.exec(ownTables);
    writeDown(sql, { ...format, schema: userVersion });
  }
  for (const part of parts) {
    const found = (isOurs ? versionOf(sql, part) : null) ?? adopted(sql, { part, userVersion });
    const wanted = upTo?.get(part.name) ?? part.migrations.length;
    if (found.isWrittenDown && found.version >= wanted) continue;
    for (const step of part.migrations.slice(found.version, wanted)) {
      if (typeof step === 'string') database.exec(step);
      else step(sql);
    }
    const tables = part.tables.map(({ name }) => name).join();
    writeDown(sql, {
      name: part.name,
      version: Math.max(found.version, wanted),
      tables,
      schema: schemaOf(sql, tables),
    });
  }
}

/** The versions that a file says its parts have; of those it says nothing about, nothing. @throws as `migrate` */
export function readVersions(database: DatabaseSync, sql: Sql, parts: readonly DurablePart[]): Map<string, number> {
  const before = versionBefore(sql);
  const isOurs = before !== null;
  const userVersion = before ?? userVersionOf(database);
  const found = parts.map((part) => {
    const known = isOurs ? versionOf(sql, part) : null;
    return [part.name, (known ?? adopted(sql, { part, userVersion })).version] as const;
  });
  return new Map(found.filter(([, version]) => version > 0));
}

/** Names of the parts in a file; none in a file of before. */
export function partNames(sql: Sql): string[] {
  if (versionBefore(sql) === null) return [];
  return sql('SELECT name FROM durable_part WHERE name <> ? ORDER BY name')
    .all(format.name)
    .map((row) => String(row.name));
}

/** The `user_version` that a file had before it counted its parts; null for one that does not. @throws DurableError `newer_version` */
function versionBefore(sql: Sql): number | null {
  const table = sql("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'durable_part'").get();
  if (table === undefined) return null;
  const row = writtenDown(sql, format.name);
  if (row === null) throw damage('the format of the file is not written down');
  if (row.version > format.version)
    throw newer(`its format is ${row.version}, this program knows up to ${format.version}`);
  return row.schema;
}

const userVersionOf = (database: DatabaseSync) => Number(database.prepare('PRAGMA user_version').get()?.user_version);

interface FoundVersion {
  readonly version: number;
  readonly isWrittenDown: boolean;
}

function versionOf(sql: Sql, part: DurablePart): FoundVersion | null {
  const row = writtenDown(sql, part.name);
  if (row === null) return null;
  const { version, tables, schema } = row;
  checkKnown(part, version);
  // The tables of that version: a later one may declare others.
  if (schemaOf(sql, tables) !== schema)
    throw damage(`the columns of the tables of ${part.name} are not those of version ${version}`);
  return { version, isWrittenDown: true };
}

function adopted(sql: Sql, { part, userVersion }: { part: DurablePart; userVersion: number }): FoundVersion {
  const tables = sql("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
  const file: AdoptedFile = { sql, userVersion, tables: tables.map((row) => String(row.name)) };
  const version = part.adopt?.(file) ?? 0;
  checkKnown(part, version);
  return { version, isWrittenDown: false };
}

function checkKnown({ name, migrations }: DurablePart, version: number): void {
  if (version > migrations.length)
    throw newer(`${name} has version ${version}, this program knows up to ${migrations.length}`);
}

interface Written {
  readonly name: string;
  readonly version: number;
  /** Names of its tables, with commas. */
  readonly tables: string;
  readonly schema: number;
}

function writtenDown(sql: Sql, name: string): Written | null {
  const row = sql('SELECT version, tables, schema, checksum FROM durable_part WHERE name = ?').get(name);
  if (row === undefined) return null;
  const [version, tables, schema] = [Number(row.version), String(row.tables), Number(row.schema)];
  const written = { name, version, tables, schema };
  if (row.checksum !== checksumOf(written)) throw damage(`what is written down of ${name} is not what was written`);
  return written;
}

function writeDown(sql: Sql, written: Written): void {
  const { name, version, tables, schema } = written;
  const insert = sql(
    'INSERT OR REPLACE INTO durable_part (name, version, tables, schema, checksum) VALUES (?, ?, ?, ?, ?)',
  );
  insert.run(name, version, tables, schema, checksumOf(written));
}

/** A checksum of the texts that made the tables of a part: indexes are checked against their tables by SQLite. */
function schemaOf(sql: Sql, tables: string): number {
  const find = sql("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?");
  return crc32(
    tables
      .split(',')
      .map((name) => String(find.get(name)?.sql ?? ''))
      .join('\n'),
  );
}

const checksumOf = ({ name, version, tables, schema }: Written) => crc32(`${name} ${version} ${tables} ${schema}`);

function newer(what: string): DurableError {
  return new DurableError('newer_version', `Cannot use this file: ${what}; use a newer program`);
}

/** Writes down what a salvage did, in the file that it made. */
export function noteSalvage(sql: Sql, report: SalvageReport, keptMax: number): void {
  sql('INSERT INTO durable_salvage (at_ms, report) VALUES (?, ?)').run(report.atMs, JSON.stringify(report));
  sql('DELETE FROM durable_salvage WHERE seq <= (SELECT max(seq) FROM durable_salvage) - ?').run(keptMax);
}

/** The salvages that a file remembers, oldest first. */
export function notedSalvages(sql: Sql): SalvageReport[] {
  if (versionBefore(sql) === null) return [];
  return sql('SELECT report FROM durable_salvage ORDER BY seq')
    .all()
    .map((row) => JSON.parse(String(row.report)));
}
