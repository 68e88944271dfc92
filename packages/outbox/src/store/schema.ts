/*
 * Four tables, all named after the outbox (`outbox` below stands for the chosen name):
 *
 *   outbox        one row per record. state is
 *                   'ready'        to be delivered now, in the order priority DESC, seq
 *                   'waiting'      not before due_ms: back-off after a failure, or the caller's not-before
 *                   'held'         behind an earlier record of its order_key; of a key at most one row is ready or waiting
 *                   'quarantined'  failed too often or unreadable; stays until replayed or dropped
 *                 body comes last: the columns before it are read without touching its overflow pages.
 *   outbox_total  records and bytes per state, and of what was delivered, dropped, lost, so that a budget check costs one
 *                 look. Every change of a row is counted in the same transaction (totals.ts).
 *   outbox_drop   the last records that left undelivered, with the reason.
 *   outbox_meta   schema_version.
 *
 * Times are milliseconds since 1970. A row is removed only after its delivery resolved, or by a drop that is written down.
 */
import type { DatabaseSync } from 'node:sqlite';
import { OutboxError } from '../outbox/error.ts';
import { migrateFirst } from './migrate.ts';
import { damage } from './sqlite-error.ts';

const schemaVersion = 2;

/** The columns of each version, as far back as this program reads. */
const columns: Readonly<Record<number, string>> = {
  1: 'seq,id,subject,headers,priority,not_before_ms,expires_at_ms,enqueued_at_ms,state,due_ms,attempts,reason,bytes,checksum,body',
  2: 'seq,id,subject,headers,order_key,priority,not_before_ms,expires_at_ms,enqueued_at_ms,state,due_ms,attempts,reason,bytes,checksum,body',
};

const ddl = `
CREATE TABLE IF NOT EXISTS $t (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, subject TEXT NOT NULL, headers TEXT NOT NULL, order_key TEXT,
  priority INTEGER NOT NULL, not_before_ms INTEGER, expires_at_ms INTEGER, enqueued_at_ms INTEGER NOT NULL,
  state TEXT NOT NULL, due_ms INTEGER NOT NULL, attempts INTEGER NOT NULL, reason TEXT,
  bytes INTEGER NOT NULL, checksum INTEGER NOT NULL, body BLOB NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS $t_order ON $t (state, priority DESC, seq);
CREATE INDEX IF NOT EXISTS $t_key ON $t (order_key, seq) WHERE order_key IS NOT NULL AND state <> 'quarantined';
CREATE INDEX IF NOT EXISTS $t_due ON $t (due_ms) WHERE state = 'waiting';
CREATE INDEX IF NOT EXISTS $t_expiry ON $t (expires_at_ms) WHERE expires_at_ms IS NOT NULL AND state <> 'quarantined';
CREATE TABLE IF NOT EXISTS $t_total (
  name TEXT PRIMARY KEY, records INTEGER NOT NULL, bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS $t_drop (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, subject TEXT NOT NULL, bytes INTEGER NOT NULL,
  reason TEXT NOT NULL, dropped_at_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS $t_meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO $t_total VALUES ('ready', 0, 0), ('waiting', 0, 0), ('held', 0, 0), ('quarantined', 0, 0),
  ('delivered', 0, 0), ('expired', 0, 0), ('over_budget', 0, 0), ('quarantine_full', 0, 0), ('by_caller', 0, 0), ('lost', 0, 0);
INSERT OR IGNORE INTO $t_meta VALUES ('schema_version', ${schemaVersion});
`;

/**
 * Creates the tables where they are missing and brings those of an older version up to date, inside the transaction that is open.
 * @throws OutboxError `foreign_table`, `newer_version`
 */
export function createSchema(database: DatabaseSync, table: string): void {
  const found = database.prepare('SELECT name FROM pragma_table_info(?)').all(table);
  if (found.length > 0 && readVersion(database, table) === 1) migrateFirst(database, table);
  database.exec(withTable(ddl, table));
}

/** The version of the outbox in `table`, which exists. @throws OutboxError `foreign_table`, `newer_version` */
export function readVersion(database: DatabaseSync, table: string): number {
  const meta = database.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?").get(`${table}_meta`);
  const version = meta
    ? Number(database.prepare(withTable("SELECT value FROM $t_meta WHERE key = 'schema_version'", table)).get()?.value)
    : Number.NaN;
  if (version > schemaVersion) {
    const message = `Cannot use table ${table}: its schema version is ${version}, this program knows up to ${schemaVersion}; use a newer one`;
    throw new OutboxError('newer_version', message);
  }
  const found = database.prepare('SELECT name FROM pragma_table_info(?)').all(table);
  if (found.map((row) => row.name).join() !== columns[version]) {
    // A table of somebody else has no version of ours beside it.
    if (Object.hasOwn(columns, version))
      throw damage(`the columns of table ${table} are not those of version ${version}`);
    const message = `Cannot use table ${table}: it has other columns than an outbox, choose another \`table\``;
    throw new OutboxError('foreign_table', message);
  }
  return version;
}

/** Puts the table's name into a statement written with `$t`. The name was checked when the outbox was opened. */
export function withTable(sql: string, table: string): string {
  return sql.replaceAll('$t', table);
}
