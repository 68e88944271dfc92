/*
 * Replacing a damaged file. The damaged file stays where it is until its replacement is complete, so that a crash at any step
 * loses nothing:
 *
 *   1. copy path (and -wal) to path.salvage, read it row by row, write what is whole to path.rebuilt, and the report, close it
 *   2. rename path -> path.damaged-<date>     from here on the replacement is the truth
 *   3. rename path-wal -> path.damaged-<date>-wal, remove -shm
 *   4. rename path.rebuilt -> path
 *
 * `path.rebuilt` without `path` means a crash between 2 and 4: `finishReplacement` does the rest. With `path` beside it, it is
 * a crash in 1: it is thrown away.
 */

import {
  closeSync,
  copyFileSync,
  existsSync,
  lstatSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { withStatements } from '../commit/transact.ts';
import { type ConnectOptions, closeDamaged, connect, inTransaction, syncFile } from '../file/connect.ts';
import { isSqliteError } from '../file/error.ts';
import { migrate, notedSalvages, noteSalvage, readVersions, type Versions } from '../file/migrate.ts';
import type { SalvageReport, TableSalvage } from '../file/part.ts';
import { syncDirectory } from '../files.ts';
import { copyTable } from './copy-rows.ts';

const headerBytes = 100;
const pageBytes = 4096;
/** A header that claims more than this is not believed; the padding costs no blocks. */
const paddedBytesMax = 64 * 1024 ** 3;

export interface SalvageOptions extends ConnectOptions {
  readonly path: string;
  readonly nowMs: number;
  readonly reason: string;
  /** Commits that are gone without a trace in what is left: `'some'` are known to be, `'maybe'` where a WAL may have been cut. */
  readonly lostCommits: 'none' | 'maybe' | 'some';
}

/** Saves what can be read of a damaged file, keeps the file under a dated name, and leaves a sound one in its place. */
export function salvage(options: SalvageOptions): SalvageReport {
  const { path, nowMs } = options;
  const rebuilt = `${path}.rebuilt`;
  removeDatabase(rebuilt);
  const setAsidePath = freeName(path, nowMs);
  const report = rebuild(options, setAsidePath);
  syncFile(rebuilt);
  renameSync(path, setAsidePath);
  moveWal(path, setAsidePath);
  renameSync(rebuilt, path);
  syncDirectory(dirname(path));
  return report;
}

/** Completes or forgets a replacement that a crash interrupted. */
export function finishReplacement(path: string, nowMs: number): void {
  const rebuilt = `${path}.rebuilt`;
  removeDatabase(`${path}.salvage`);
  if (!existsSync(rebuilt)) return;
  if (existsSync(path)) {
    removeDatabase(rebuilt);
    return;
  }
  moveWal(path, freeName(path, nowMs));
  renameSync(rebuilt, path);
  syncDirectory(dirname(path));
}

/** Puts a new file in the place of a directory, which is renamed; null when there is a file or nothing. */
export function setDirectoryAside(options: Omit<SalvageOptions, 'reason' | 'lostCommits'>): SalvageReport | null {
  const { path, nowMs, parts, limits } = options;
  if (!lstatSync(path, { throwIfNoEntry: false })?.isDirectory()) return null;
  const setAsidePath = freeName(path, nowMs);
  const tables = parts.flatMap(({ name: part, tables: declared }) =>
    declared.map(({ name: table }) => ({ part, table, rows: 0, lostRows: null, mayHaveLost: true })),
  );
  const report = { atMs: nowMs, path, setAsidePath, reason: 'a directory', tables, undeclared: [] };
  renameSync(path, setAsidePath);
  const { database, sql } = connect(path, options);
  inTransaction(database, () => noteSalvage(sql, report, limits.salvagesKeptMax));
  database.close();
  return report;
}

function rebuild(options: SalvageOptions, setAsidePath: string): SalvageReport {
  const { path, parts, nowMs, reason, limits } = options;
  const copy = `${path}.salvage`;
  copyDatabase(path, copy);
  const source = new DatabaseSync(copy, { timeout: 0 });
  try {
    const versions = versionsOf(source, options);
    const { database, sql } = connect(`${path}.rebuilt`, versions ? { ...options, upTo: versions } : options);
    try {
      const { tables, undeclared } = copyTables(source, database, options);
      const report = { atMs: nowMs, path, setAsidePath, reason, tables, undeclared };
      inTransaction(database, () => {
        migrate(database, sql, parts);
        for (const { name, mend } of parts)
          mend?.(
            sql,
            tables.filter(({ part }) => part === name),
          );
        for (const earlier of earlierReports(source)) noteSalvage(sql, earlier, limits.salvagesKeptMax);
        noteSalvage(sql, report, limits.salvagesKeptMax);
      });
      // Everything into the file itself: it is renamed alone.
      database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      return report;
    } finally {
      database.close();
    }
  } finally {
    closeDamaged(source);
    removeDatabase(copy);
  }
}

function copyTables(
  source: DatabaseSync,
  target: DatabaseSync,
  { parts, lostCommits }: SalvageOptions,
): { tables: TableSalvage[]; undeclared: string[] } {
  const sourceSql = withStatements(source).sql;
  const tables = parts.flatMap(({ name: part, tables: declared }) =>
    declared.map((table) => copyTable({ source, sourceSql, target, part, table })),
  );
  const known = new Set(['durable_part', 'durable_salvage', ...tables.map(({ table }) => table)]);
  const undeclared = orIfUnreadable([], () =>
    sourceSql("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
      .all()
      .map((row) => String(row.name))
      .filter((name) => !known.has(name)),
  );
  if (lostCommits === 'none') return { tables, undeclared };
  // What is left may be whole; what is not left nobody can count.
  const unknown = lostCommits === 'some' ? { mayHaveLost: true, lostRows: null } : { mayHaveLost: true };
  return { tables: tables.map((table) => ({ ...table, ...unknown })), undeclared };
}

/** The versions that the damaged file says it has, so that its rows meet the tables that they were written to. */
function versionsOf(source: DatabaseSync, { parts }: SalvageOptions): Versions | null {
  return orIfUnreadable(null, () => {
    const versions = readVersions(source, withStatements(source).sql, parts);
    // A part that is not in the file is made in its newest version.
    return new Map(parts.map(({ name, migrations }) => [name, versions.get(name) ?? migrations.length]));
  });
}

const earlierReports = (source: DatabaseSync) => orIfUnreadable([], () => notedSalvages(withStatements(source).sql));

function orIfUnreadable<T>(fallback: T, look: () => T): T {
  try {
    return look();
  } catch (error) {
    if (isSqliteError(error) || error instanceof SyntaxError) return fallback;
    throw error;
  }
}

function copyDatabase(from: string, to: string): void {
  removeDatabase(to);
  copyFileSync(from, to);
  if (existsSync(`${from}-wal`)) copyFileSync(`${from}-wal`, `${to}-wal`);
  const bytes = statSync(to).size;
  const declared = declaredBytes(to);
  // SQLite reads nothing of a file shorter than its header says, and would delete the WAL beside an empty one. Zeros do.
  if (declared > bytes && declared <= paddedBytesMax) truncateSync(to, declared);
}

/** The size that the header of a database file claims (sqlite.org/fileformat2.html, offsets 16 and 28); one page without a header. */
function declaredBytes(path: string): number {
  const header = Buffer.alloc(headerBytes);
  const descriptor = openSync(path, 'r');
  try {
    if (readSync(descriptor, header) < headerBytes) return pageBytes;
  } finally {
    closeSync(descriptor);
  }
  const size = header.readUInt16BE(16);
  // 65,536 does not fit into the field and is written as 1.
  return (size === 1 ? 65_536 : size) * header.readUInt32BE(28);
}

function removeDatabase(path: string): void {
  for (const suffix of ['', '-wal', '-shm', '-journal', '.new']) {
    // Looked for first: on a read-only disk even removing nothing fails.
    if (existsSync(path + suffix)) rmSync(path + suffix, { force: true });
  }
}

function moveWal(path: string, setAsidePath: string): void {
  if (existsSync(`${path}-wal`)) renameSync(`${path}-wal`, `${setAsidePath}-wal`);
  rmSync(`${path}-shm`, { force: true });
}

function freeName(path: string, nowMs: number): string {
  const dated = `${path}.damaged-${new Date(nowMs).toISOString().replaceAll(/[-:]/g, '').slice(0, 15)}Z`;
  for (let count = 0; ; count++) {
    const name = count === 0 ? dated : `${dated}.${count}`;
    if (!existsSync(name) && !existsSync(`${name}-wal`)) return name;
  }
}
