/*
 * The one exclusive file lock of the house: an open EXCLUSIVE transaction on an empty database. The system gives it back when its
 * holder dies, however it dies; it works between Node and Bun and within one process, knows no clock, no pid and no stale lock.
 */
import { closeSync, existsSync, openSync, readFileSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { faultCode } from './file/error.ts';

/** What came of an attempt to take a lock. */
export type LockOutcome =
  /** Ours until `release`, or until this process ends. */
  | { readonly kind: 'held'; release(): void }
  /** Somebody else holds it. */
  | { readonly kind: 'busy' }
  /** The directory of the lock does not exist, or went while the lock was taken, its holder removing it: make it and try again. */
  | { readonly kind: 'gone' };

export interface TakeLockOptions {
  /** How long a holder who is just leaving is waited for; blocks the thread, ms. @defaultValue 0 */
  readonly waitMs?: number;
}

/** A lock file that is exchanged under our hands more often than this is not one. */
const attemptsMax = 5;

/**
 * Takes the exclusive lock that a file stands for; the file is made when it is missing and stays afterwards, because removing a
 * lock file lets two holders in. A file that is no database is replaced: nobody can hold it. Loads `node:sqlite` when it is called.
 * @throws what the system says when the file can be neither made nor opened
 */
export function takeLock(path: string, { waitMs = 0 }: TakeLockOptions = {}): LockOutcome {
  for (let attempt = 1; ; attempt++) {
    const before = inodeOf(path);
    const database = lock(path, { waitMs, isLast: attempt === attemptsMax });
    if (database === 'busy' || database === 'gone') return { kind: database };
    if (database === 'no database') rmSync(path, { force: true });
    else if (database !== 'again') {
      // A file that was removed, or exchanged, while it was taken is no lock: others make it anew.
      const after = inodeOf(path);
      if (after !== null && (before === null || before === after))
        return { kind: 'held', release: () => database.close() };
      database.close();
      if (after === null && !existsSync(dirname(path))) return { kind: 'gone' };
    }
    if (attempt === attemptsMax) return { kind: 'gone' };
  }
}

/**
 * The process that holds a lock, asked without touching it: a try to take it could keep somebody else from it. Null for nobody,
 * undefined where the system does not say: only Linux does.
 */
export function lockHolder(path: string): number | null | undefined {
  const inode = inodeOf(path);
  if (inode === null) return null;
  try {
    const lines = readFileSync('/proc/locks', 'utf8').split('\n');
    // "1: POSIX  ADVISORY  WRITE <pid> <device>:<inode> <from> <to>"; file systems in layers tell another device than stat does.
    const held = lines.map((line) => line.trim().split(/\s+/)).find((words) => words[5]?.endsWith(`:${inode}`));
    return held === undefined ? null : Number(held[4]);
  } catch {
    return undefined;
  }
}

function lock(
  path: string,
  { waitMs, isLast }: { waitMs: number; isLast: boolean },
): DatabaseSync | 'busy' | 'gone' | 'no database' | 'again' {
  // Looked up here: whoever only might take a lock does not pay for SQLite.
  const { DatabaseSync } = process.getBuiltinModule('node:sqlite');
  let database: DatabaseSync | null = null;
  try {
    makePrivate(path);
    database = new DatabaseSync(path, { timeout: waitMs });
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    return database;
  } catch (error) {
    database?.close();
    const code = faultCode(error);
    if (code === 'busy') return 'busy';
    if (code === 'damaged') return 'no database';
    // "unable to open database file" is also what a directory that just went looks like, or one made anew since.
    if (code !== 'cannot_open' && code !== 'io_failed') throw error;
    if (!existsSync(dirname(path))) return 'gone';
    if (isLast) throw error;
    return 'again';
  }
}

/** SQLite would make it readable for everybody. Where it cannot be made, SQLite says why. */
function makePrivate(path: string): void {
  try {
    closeSync(openSync(path, 'a', 0o600));
  } catch {
    // as above
  }
}

function inodeOf(path: string): number | null {
  return statSync(path, { throwIfNoEntry: false })?.ino ?? null;
}
