import { statSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';

/** Free pages that stay for the next records, and pages given back at a time (4 KiB each). */
const reservedPages = 256;
const reclaimedPages = 256;

/** WAL that an idle file keeps to write over, bytes; more of it is cut off. */
const keptWalBytes = 4 * 1024 * 1024;

/** One step of giving free space back to the disk, small enough not to be felt. @returns whether there is more to do */
export function giveBackSpace(database: DatabaseSync, path: string): boolean {
  if (vacuumStep(database)) return true;
  // A vacuum only notes in the WAL that the file is shorter; copying the WAL cuts it. Few steps fill a WAL that copies itself.
  if (statSync(path).size > pragma(database, 'page_count') * pragma(database, 'page_size')) checkpoint(database);
  const wal = statSync(`${path}-wal`, { throwIfNoEntry: false });
  if (wal && wal.size > keptWalBytes) database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  return false;
}

/** Copies the WAL into the file as far as readers allow, so that the next commit writes over it from its start. */
export function checkpoint(database: DatabaseSync): void {
  database.exec('PRAGMA wal_checkpoint(PASSIVE)');
}

function vacuumStep(database: DatabaseSync): boolean {
  const free = () => pragma(database, 'freelist_count') - reservedPages;
  const before = free();
  if (before <= 0) return false;
  database.exec(`PRAGMA incremental_vacuum(${Math.min(before, reclaimedPages)})`);
  const after = free();
  // A file made without auto_vacuum keeps its pages for later records: nothing changes, and that is all that can be done.
  return after > 0 && after < before;
}

function pragma(database: DatabaseSync, name: 'page_count' | 'page_size' | 'freelist_count'): number {
  return Number(database.prepare(`PRAGMA ${name}`).get()?.[name]);
}
