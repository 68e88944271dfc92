/**
 * The one database of an agent: `<data>/agent.db`, WAL, synchronous FULL. Tables, by who writes them:
 *
 * | table         | written by            | what is true in it                                                        |
 * |---------------|-----------------------|---------------------------------------------------------------------------|
 * | `admission`   | `store/ledger.ts`     | one row per order ever accepted; durable before the order is acknowledged |
 * | `run`         | `store/ledger.ts`     | one row per accepted order, in the same commit; `ended` with its result   |
 * | `fleet_entry` | `store/fleet-cache.ts` | what the broker's buckets last held                                       |
 * | `cursor`      | `store/fleet-cache.ts` | per filter, the last stream sequence that was read                        |
 * | `outbox*`     | `@kanade/outbox`      | results and events on their way                                           |
 */
import { closeSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { AgentError } from '../agent-error.ts';

export interface StateFile extends Disposable {
  readonly database: DatabaseSync;
  /** Runs `change` in one transaction: durable when this returns, undone when it throws. */
  transact<T>(change: () => T): T;
}

/** Statements that bring the database from one version to the next; only ever appended to. */
const migrations: readonly string[] = [
  `CREATE TABLE admission (
     pc_id TEXT NOT NULL, request_id TEXT NOT NULL, fingerprint TEXT NOT NULL, subject TEXT NOT NULL, body BLOB NOT NULL,
     run_id TEXT NOT NULL UNIQUE, admitted_at_ms INTEGER NOT NULL,
     PRIMARY KEY (pc_id, request_id)
   ) STRICT;
   CREATE TABLE run (
     run_id TEXT PRIMARY KEY, pc_id TEXT NOT NULL, request_id TEXT NOT NULL, exec_id TEXT, origin TEXT NOT NULL, owner TEXT,
     manifest_id TEXT NOT NULL, state TEXT NOT NULL CHECK (state IN ('admitted', 'launching', 'running', 'ended')),
     job_id TEXT, started_at_ms INTEGER, ended_at_ms INTEGER, status TEXT, exit_code INTEGER
   ) STRICT;
   CREATE INDEX run_open ON run (state) WHERE state <> 'ended';
   CREATE INDEX run_owner ON run (owner, manifest_id, started_at_ms) WHERE owner IS NOT NULL;
   CREATE INDEX run_ended ON run (ended_at_ms) WHERE state = 'ended';
   CREATE TABLE fleet_entry (
     bucket TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (bucket, key)
   ) STRICT;
   CREATE TABLE cursor (filter TEXT PRIMARY KEY, sequence INTEGER NOT NULL) STRICT;`,
  `ALTER TABLE run ADD COLUMN boot TEXT;
   ALTER TABLE run ADD COLUMN stopped_by TEXT;`,
];

/** Opens and migrates the database. Throws AgentError `data_dir_unusable` or `database_too_new`. */
export function openStateFile(path: string): StateFile {
  let database: DatabaseSync | undefined;
  try {
    closeSync(openSync(path, 'a', 0o600)); // scripts and their output are nobody else's business; the WAL takes this mode
    database = new DatabaseSync(path, { timeout: 5_000 });
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON');
    migrate(database, path);
  } catch (cause) {
    database?.close();
    if (cause instanceof AgentError) throw cause;
    throw new AgentError(
      'data_dir_unusable',
      `open database ${path}: ${(cause as Error).message}; correct its owner and mode, or move it away if it is damaged`,
      { cause },
    );
  }
  const opened = database;
  return {
    database: opened,
    transact: (change) => inTransaction(opened, change),
    [Symbol.dispose]: () => opened.close(),
  };
}

function migrate(database: DatabaseSync, path: string): void {
  const version = Number(database.prepare('PRAGMA user_version').get()?.user_version);
  if (version > migrations.length) {
    throw new AgentError(
      'database_too_new',
      `open database ${path}: it has version ${version} and this agent knows up to ${migrations.length}; start the newer agent or another --data-dir`,
    );
  }
  migrations.slice(version).forEach((statements, index) => {
    inTransaction(database, () => database.exec(`${statements} PRAGMA user_version = ${version + index + 1}`));
  });
}

function inTransaction<T>(database: DatabaseSync, change: () => T): T {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = change();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    // A full disk or an I/O error may have rolled back already.
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}
