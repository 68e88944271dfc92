/*
 * Replacing a damaged file. The damaged file stays where it is until its replacement is complete, so that a crash at any step
 * loses nothing:
 *
 *   1. copy path (and -wal) to path.salvage, read it row by row, write what is whole to path.rebuilt, close it (fsynced)
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
  fsyncSync,
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
import { readIntactRows } from './intact-rows.ts';
import { releaseAll } from './order.ts';
import { withTable } from './schema.ts';
import { sqliteCode } from './sqlite-error.ts';
import { recountTotals } from './totals.ts';

const headerBytes = 100;
const pageBytes = 4096;
/** A header that claims more than this is not believed; the padding costs no blocks. */
const paddedBytesMax = 64 * 1024 ** 3;

export interface SalvageOptions {
  readonly path: string;
  readonly table: string;
  readonly nowMs: number;
  /** Makes an empty outbox at a path. */
  readonly create: (path: string) => DatabaseSync;
}

export interface SalvageOutcome {
  readonly setAsidePath: string;
  readonly records: number;
  readonly lostRecords: number | null;
}

/** Saves what can be read of a damaged file, keeps the file under a dated name, and leaves a sound one in its place. */
export function salvage({ path, table, nowMs, create }: SalvageOptions): SalvageOutcome {
  removeDatabase(`${path}.rebuilt`);
  const counts = rebuild(path, table, create);
  syncFile(`${path}.rebuilt`);
  const setAsidePath = freeName(path, nowMs);
  renameSync(path, setAsidePath);
  moveWal(path, setAsidePath);
  renameSync(`${path}.rebuilt`, path);
  syncFile(dirname(path));
  return { setAsidePath, ...counts };
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
  syncFile(dirname(path));
}

/** Renames a directory that sits at `path`; null when there is a file or nothing. Anything else was refused before. */
export function setDirectoryAside(path: string, nowMs: number): string | null {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found?.isDirectory()) return null;
  const setAsidePath = freeName(path, nowMs);
  renameSync(path, setAsidePath);
  return setAsidePath;
}

function rebuild(
  path: string,
  table: string,
  create: (path: string) => DatabaseSync,
): Omit<SalvageOutcome, 'setAsidePath'> {
  const copy = `${path}.salvage`;
  copyDatabase(path, copy);
  const target = create(`${path}.rebuilt`);
  try {
    const counts = copyRows(copy, target, table);
    // Everything into the file itself: it is renamed alone.
    target.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    return counts;
  } finally {
    target.close();
    removeDatabase(copy);
  }
}

function copyRows(copy: string, target: DatabaseSync, table: string): Omit<SalvageOutcome, 'setAsidePath'> {
  const source = new DatabaseSync(copy, { timeout: 0 });
  try {
    const expected = expectedRows(source, table);
    const records = readIntactRows(source, target, table);
    releaseAll(target, table);
    recountTotals(target, table);
    const lostRecords = expected === null ? null : Math.max(0, expected - records);
    target
      .prepare(withTable("UPDATE $t_total SET records = records + ? WHERE name = 'lost'", table))
      .run(lostRecords ?? 0);
    return { records, lostRecords };
  } finally {
    closeDamaged(source);
  }
}

/** Closes a database that is known to be damaged: that may fail for the very damage that is being handled. */
export function closeDamaged(database: DatabaseSync): void {
  try {
    if (database.isOpen) database.close();
  } catch (error) {
    if (sqliteCode(error) === null) throw error;
  }
}

/** How many records the file says it has; null where it cannot say. */
function expectedRows(source: DatabaseSync, table: string): number | null {
  try {
    const states =
      "SELECT sum(records) AS records FROM $t_total WHERE name IN ('ready', 'waiting', 'held', 'quarantined')";
    const records = source.prepare(withTable(states, table)).get()?.records;
    return typeof records === 'number' ? records : null;
  } catch (error) {
    if (!(error instanceof Error) || !('errcode' in error)) throw error;
    return null;
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
  for (const suffix of ['', '-wal', '-shm', '-journal']) {
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

function syncFile(path: string): void {
  // Windows has no handle for a directory; its renames are journaled.
  if (process.platform === 'win32') return;
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
