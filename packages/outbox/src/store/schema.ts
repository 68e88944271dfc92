/*
 * Three tables, all named after the outbox (`outbox` below stands for the chosen name):
 *
 *   outbox        one row per record. state is
 *                   'ready'        to be delivered now, in the order priority DESC, seq
 *                   'waiting'      not before due_ms: back-off after a failure, or the caller's not-before
 *                   'quarantined'  failed too often or unreadable; stays until replayed or dropped
 *                 body comes last: the columns before it are read without touching its overflow pages.
 *   outbox_total  records and bytes per state, and of what was delivered, dropped, lost. Triggers keep the states, so that
 *                 nobody who writes to the table can forget it and a budget check costs one row.
 *   outbox_meta   schema_version.
 *
 * Times are milliseconds since 1970. A row is removed only after its delivery resolved.
 */
import type { DatabaseSync } from 'node:sqlite';
import { OutboxError } from '../outbox/error.ts';

const schemaVersion = 1;

const columns =
  'seq,id,subject,headers,priority,not_before_ms,expires_at_ms,enqueued_at_ms,state,due_ms,attempts,reason,bytes,checksum,body';

const ddl = `
CREATE TABLE IF NOT EXISTS $t (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, subject TEXT NOT NULL, headers TEXT NOT NULL,
  priority INTEGER NOT NULL, not_before_ms INTEGER, expires_at_ms INTEGER, enqueued_at_ms INTEGER NOT NULL,
  state TEXT NOT NULL, due_ms INTEGER NOT NULL, attempts INTEGER NOT NULL, reason TEXT,
  bytes INTEGER NOT NULL, checksum INTEGER NOT NULL, body BLOB NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS $t_order ON $t (state, priority DESC, seq);
CREATE INDEX IF NOT EXISTS $t_due ON $t (due_ms) WHERE state = 'waiting';
CREATE INDEX IF NOT EXISTS $t_expiry ON $t (expires_at_ms) WHERE expires_at_ms IS NOT NULL;
CREATE TABLE IF NOT EXISTS $t_total (
  name TEXT PRIMARY KEY, records INTEGER NOT NULL, bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS $t_meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS $t_added AFTER INSERT ON $t BEGIN
  UPDATE $t_total SET records = records + 1, bytes = bytes + NEW.bytes WHERE name = NEW.state;
END;
CREATE TRIGGER IF NOT EXISTS $t_removed AFTER DELETE ON $t BEGIN
  UPDATE $t_total SET records = records - 1, bytes = bytes - OLD.bytes WHERE name = OLD.state;
END;
CREATE TRIGGER IF NOT EXISTS $t_moved AFTER UPDATE OF state ON $t WHEN OLD.state <> NEW.state BEGIN
  UPDATE $t_total SET records = records - 1, bytes = bytes - OLD.bytes WHERE name = OLD.state;
  UPDATE $t_total SET records = records + 1, bytes = bytes + NEW.bytes WHERE name = NEW.state;
END;
INSERT OR IGNORE INTO $t_total VALUES ('ready', 0, 0), ('waiting', 0, 0), ('quarantined', 0, 0), ('delivered', 0, 0),
  ('expired', 0, 0), ('over_budget', 0, 0), ('quarantine_full', 0, 0), ('by_caller', 0, 0), ('lost', 0, 0);
INSERT OR IGNORE INTO $t_meta VALUES ('schema_version', ${schemaVersion});
`;

/** Creates the tables where they are missing, inside the transaction that is open. @throws OutboxError `foreign_table` */
export function createSchema(database: DatabaseSync, table: string): void {
  const found = database.prepare('SELECT name FROM pragma_table_info(?)').all(table);
  if (found.length > 0 && found.map((row) => row.name).join() !== columns) {
    throw new OutboxError(
      'foreign_table',
      `Cannot use table ${table}: it has other columns than an outbox, choose another \`table\``,
    );
  }
  database.exec(withTable(ddl, table));
  const version = database.prepare(withTable("SELECT value FROM $t_meta WHERE key = 'schema_version'", table)).get();
  if (version?.value !== schemaVersion) {
    throw new OutboxError(
      'foreign_table',
      `Cannot use table ${table}: its schema version is ${version?.value}, this program knows ${schemaVersion}`,
    );
  }
}

/** Counts the states again, for a file whose totals disagree with its rows. */
export function recountTotals(database: DatabaseSync, table: string): void {
  database.exec(
    withTable(
      `UPDATE $t_total SET records = (SELECT count(*) FROM $t WHERE state = name),
         bytes = (SELECT coalesce(sum(bytes), 0) FROM $t WHERE state = name)
       WHERE name IN ('ready', 'waiting', 'quarantined')`,
      table,
    ),
  );
}

/** Puts the table's name into a statement written with `$t`. The name was checked when the outbox was opened. */
export function withTable(sql: string, table: string): string {
  return sql.replaceAll('$t', table);
}
