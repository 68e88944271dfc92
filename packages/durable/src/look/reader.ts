/*
 * Reading a file that others may change, without making anything. SQLite makes a WAL and its index even for a connection that only
 * reads, and cannot remove them again. So a file without a WAL or journal, which nobody is writing, is read as one that cannot
 * change ("immutable"), and what was read counts only if the file was the same before and after. As soon as there is one of them,
 * made by somebody else, it is read along with them.
 */
import { existsSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';

export interface Reader {
  /** Runs one look, which may be run again when the file changed meanwhile. @throws what SQLite throws */
  look<T>(work: (database: DatabaseSync) => T): T;
  close(): void;
}

/** Looks that a changing file may spoil before it is read along with its owner. */
const spoiltLooksMax = 8;

/** Time after which a further change shows in the time stamps of a file, ms: their clock ticks every 1 to 10, and a virtual machine misses some. */
const stampMs = 40;

/** @param path without symbolic links, as SQLite keeps its side files */
export function openReader(path: string, lockWaitMs: number): Reader {
  let current: { readonly database: DatabaseSync; readonly state: string | null } | null = null;
  let isClosed = false;

  /** @param state what an unchangeable file is known by; null to read along with others */
  function connect(state: string | null): DatabaseSync {
    // Who reads along once goes on so: somebody else makes the WAL then.
    if (current !== null && (current.state === null || current.state === state)) return current.database;
    current?.database.close();
    current = null;
    const address = state === null ? path : immutable(path);
    const database = new DatabaseSync(address, { readOnly: true, timeout: lockWaitMs });
    current = { database, state };
    database.exec('PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON');
    return database;
  }

  return {
    look(work) {
      if (isClosed) throw new TypeError('Cannot look into a durable file: the look was closed');
      for (let spoilt = 0; ; spoilt++) {
        const state = spoilt >= spoiltLooksMax ? null : stillState(path);
        if (state === 'changing') continue;
        const isSpoilt = () => current !== null && current.state !== null && stillState(path) !== state;
        try {
          const seen = work(connect(state));
          if (!isSpoilt()) return seen;
        } catch (error) {
          // Pages of two different times look like damage.
          if (!isSpoilt()) throw error;
        }
      }
    },
    close() {
      isClosed = true;
      current?.database.close();
      current = null;
    },
  };
}

/** What identifies the content of a file that nobody is writing; null for one that may be open, or waits for its roll-back. */
function stillState(path: string): string | null {
  if (existsSync(`${path}-wal`) || existsSync(`${path}-journal`)) return null;
  const { ino, size, mtimeNs, ctimeNs, ctimeMs } = statSync(path, { bigint: true });
  const ageMs = Math.abs(Date.now() - Number(ctimeMs));
  if (ageMs <= stampMs) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, stampMs - ageMs + 1);
    return 'changing';
  }
  return `${ino} ${size} ${mtimeNs} ${ctimeNs}`;
}

function immutable(path: string): URL {
  const url = pathToFileURL(path);
  url.searchParams.set('immutable', '1');
  return url;
}
