import { rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { sqliteCode } from './sqlite-error.ts';

/**
 * Takes an exclusive lock that belongs to this process and ends with it, however it ends: an open EXCLUSIVE transaction on an
 * empty database. No clock, no pid, no stale lock; it works between Node and Bun and within one process. The file stays, because
 * removing a lock file lets two holders in.
 * @returns what gives the lock back, or null when somebody holds it
 */
export function acquireLock(path: string): (() => void) | null {
  try {
    return hold(path);
  } catch (error) {
    if (sqliteCode(error) !== 'damaged') throw error;
    // Nobody can hold a file that is no database.
    rmSync(path);
    return hold(path);
  }
}

function hold(path: string): (() => void) | null {
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    database.exec('PRAGMA journal_mode = MEMORY');
    database.exec('BEGIN EXCLUSIVE');
    return () => database.close();
  } catch (error) {
    database.close();
    if (sqliteCode(error) === 'busy') return null;
    throw error;
  }
}
