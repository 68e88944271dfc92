CREATE TABLE IF NOT EXISTS outbox (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, subject TEXT NOT NULL, headers TEXT NOT NULL,
  priority INTEGER NOT NULL, not_before_ms INTEGER, expires_at_ms INTEGER, enqueued_at_ms INTEGER NOT NULL,
  state TEXT NOT NULL, due_ms INTEGER NOT NULL, attempts INTEGER NOT NULL, reason TEXT,
  bytes INTEGER NOT NULL, checksum INTEGER NOT NULL, body BLOB NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS outbox_order ON outbox (state, priority DESC, seq);
CREATE INDEX IF NOT EXISTS outbox_due ON outbox (due_ms) WHERE state = 'waiting';
CREATE INDEX IF NOT EXISTS outbox_expiry ON outbox (expires_at_ms) WHERE expires_at_ms IS NOT NULL;
CREATE TABLE IF NOT EXISTS outbox_total (
  name TEXT PRIMARY KEY, records INTEGER NOT NULL, bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS outbox_meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS outbox_added AFTER INSERT ON outbox BEGIN
  UPDATE outbox_total SET records = records + 1, bytes = bytes + NEW.bytes WHERE name = NEW.state;
END;
CREATE TRIGGER IF NOT EXISTS outbox_removed AFTER DELETE ON outbox BEGIN
  UPDATE outbox_total SET records = records - 1, bytes = bytes - OLD.bytes WHERE name = OLD.state;
END;
CREATE TRIGGER IF NOT EXISTS outbox_moved AFTER UPDATE OF state ON outbox WHEN OLD.state <> NEW.state BEGIN
  UPDATE outbox_total SET records = records - 1, bytes = bytes - OLD.bytes WHERE name = OLD.state;
  UPDATE outbox_total SET records = records + 1, bytes = bytes + NEW.bytes WHERE name = NEW.state;
END;
INSERT OR IGNORE INTO outbox_total VALUES ('ready', 0, 0), ('waiting', 0, 0), ('quarantined', 0, 0), ('delivered', 0, 0),
  ('expired', 0, 0), ('over_budget', 0, 0), ('quarantine_full', 0, 0), ('by_caller', 0, 0), ('lost', 0, 0);
INSERT OR IGNORE INTO outbox_meta VALUES ('schema_version', 1);
PRAGMA journal_mode = WAL;
INSERT INTO outbox (id, subject, headers, priority, not_before_ms, expires_at_ms, enqueued_at_ms, state, due_ms, attempts, reason, bytes, checksum, body)
  VALUES ('ready', 's', '{"a":"1"}', 3, NULL, NULL, 1000, 'ready', 0, 0, NULL, 18, 3995654013, CAST('one' AS BLOB));
INSERT INTO outbox (id, subject, headers, priority, not_before_ms, expires_at_ms, enqueued_at_ms, state, due_ms, attempts, reason, bytes, checksum, body)
  VALUES ('waiting', 's', '{}', 0, NULL, NULL, 1001, 'waiting', 9000000000000, 2, 'Error: no', 13, 1219380215, CAST('two' AS BLOB));
INSERT INTO outbox (id, subject, headers, priority, not_before_ms, expires_at_ms, enqueued_at_ms, state, due_ms, attempts, reason, bytes, checksum, body)
  VALUES ('poison', 's', '{}', 0, NULL, NULL, 1002, 'quarantined', 0, 10, 'Error: never', 14, 9063506, CAST('three' AS BLOB));
UPDATE outbox_total SET records = 41, bytes = 4100 WHERE name = 'delivered';
