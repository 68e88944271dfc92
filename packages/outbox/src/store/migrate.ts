import type { DatabaseSync } from 'node:sqlite';

const kept =
  'seq, id, subject, headers, priority, not_before_ms, expires_at_ms, enqueued_at_ms, state, due_ms, attempts, reason, bytes, checksum, body';

/**
 * Version 1 had no order_key and kept its totals by triggers. Its rows are copied, because a column added at the end would lie
 * behind the bodies; the old table then goes. Part of the transaction of the opening: a crash leaves version 1 as it was.
 */
export function migrateFirst(database: DatabaseSync, table: string): void {
  const statements = `
    DROP TRIGGER IF EXISTS $t_added; DROP TRIGGER IF EXISTS $t_removed; DROP TRIGGER IF EXISTS $t_moved;
    DROP INDEX IF EXISTS $t_order; DROP INDEX IF EXISTS $t_due; DROP INDEX IF EXISTS $t_expiry;
    CREATE TABLE $t_next (
      seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, subject TEXT NOT NULL, headers TEXT NOT NULL,
      order_key TEXT, priority INTEGER NOT NULL, not_before_ms INTEGER, expires_at_ms INTEGER,
      enqueued_at_ms INTEGER NOT NULL, state TEXT NOT NULL, due_ms INTEGER NOT NULL, attempts INTEGER NOT NULL, reason TEXT,
      bytes INTEGER NOT NULL, checksum INTEGER NOT NULL, body BLOB NOT NULL
    ) STRICT;
    INSERT INTO $t_next (${kept}) SELECT ${kept} FROM $t ORDER BY seq;
    DROP TABLE $t;
    ALTER TABLE $t_next RENAME TO $t;
    UPDATE $t_meta SET value = 2 WHERE key = 'schema_version';`;
  database.exec(statements.replaceAll('$t', table));
}
