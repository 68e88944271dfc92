/*
 * Four tables, all named after the outbox (`outbox` below stands for the chosen name):
 *
 *   outbox        one row per record. state is
 *                   'ready'        to be delivered now, in the order priority DESC, seq
 *                   'waiting'      not before due_ms: back-off after a failure, or the caller's not-before
 *                   'held'         behind an earlier record of its order_key; of a key at most one row is ready or waiting
 *                   'kept'         delivered, its receipt in `reason`; never with an order_key or an expiry
 *                   'quarantined'  failed too often or unreadable; stays until replayed or dropped
 *                 body comes last: the columns before it are read without touching its overflow pages.
 *   outbox_total  records and bytes per state, and of what was delivered, dropped, lost, so that a budget check costs one
 *                 look. Every change of a row is counted in the same transaction (store.ts).
 *   outbox_drop   the last records that left undelivered, with the reason.
 *   outbox_meta   schema_version, for programs of before; the durable file counts versions itself.
 *
 * Times are milliseconds since 1970. A row is removed only after its delivery resolved, or by a drop that is written down.
 */
import { type AdoptedFile, type DurablePart, damage, type Row, type Sql, type TableSalvage } from '@kanade/durable';
import { OutboxError } from '../core/error.ts';
import { releaseAll } from './key-order.ts';
import { isIntact } from './record.ts';
import { withTable } from './store.ts';

/** Version of the tables; `outbox_meta` says it, too. */
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
`;

/** Rows that are always there. */
const seeds = `
INSERT OR IGNORE INTO $t_total VALUES ('ready', 0, 0), ('waiting', 0, 0), ('held', 0, 0), ('quarantined', 0, 0), ('kept', 0, 0),
  ('delivered', 0, 0), ('expired', 0, 0), ('over_budget', 0, 0), ('quarantine_full', 0, 0), ('by_caller', 0, 0), ('lost', 0, 0);
INSERT OR IGNORE INTO $t_meta VALUES ('schema_version', 2);
`;

const kept =
  'seq, id, subject, headers, priority, not_before_ms, expires_at_ms, enqueued_at_ms, state, due_ms, attempts, reason, bytes, checksum, body';

/**
 * Version 1 had no order_key and kept its totals by triggers. Its rows are copied, because a column added at the end would lie
 * behind the bodies; the old table then goes. Part of the transaction of the opening: a crash leaves version 1 as it was.
 */
const secondVersion = `
DROP TRIGGER IF EXISTS $t_added; DROP TRIGGER IF EXISTS $t_removed; DROP TRIGGER IF EXISTS $t_moved;
DROP INDEX IF EXISTS $t_order; DROP INDEX IF EXISTS $t_due; DROP INDEX IF EXISTS $t_expiry;
CREATE TABLE $t_next (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, subject TEXT NOT NULL, headers TEXT NOT NULL, order_key TEXT,
  priority INTEGER NOT NULL, not_before_ms INTEGER, expires_at_ms INTEGER, enqueued_at_ms INTEGER NOT NULL,
  state TEXT NOT NULL, due_ms INTEGER NOT NULL, attempts INTEGER NOT NULL, reason TEXT,
  bytes INTEGER NOT NULL, checksum INTEGER NOT NULL, body BLOB NOT NULL
) STRICT;
INSERT INTO $t_next (${kept}) SELECT ${kept} FROM $t ORDER BY seq;
DROP TABLE $t;
ALTER TABLE $t_next RENAME TO $t;
UPDATE $t_meta SET value = 2 WHERE key = 'schema_version';`;

/**
 * What an outbox keeps in a durable file: give it to `openDurable`, then the file to `openOutbox`.
 * @param table name of the table; letters, digits and `_`, at most 48
 * @throws TypeError for another name
 */
export function outboxPart(table = 'outbox'): DurablePart {
  checkTable(table);
  const statements = (text: string) => withTable(text, table);
  return {
    name: `outbox.${table}`,
    migrations: [
      // New files begin with the second version; the first one only ever comes from old files.
      statements(ddl + seeds),
      (sql) => {
        if (columnsOf(sql, table) !== columns[1]) return;
        for (const statement of statements(secondVersion + ddl + seeds).split(';')) {
          if (statement.trim() !== '') sql(statement).run();
        }
      },
    ],
    tables: [
      { name: table, isIntact: isReadable, expectedRows: (sql) => countExpected(sql, table) },
      { name: `${table}_total` },
      { name: `${table}_drop` },
      { name: `${table}_meta` },
    ],
    adopt: (file) => adopted(file, table),
    mend: (sql, salvaged) => mend(sql, table, salvaged),
    problems: (sql) => problemsOf(sql, table),
  };
}

/** Checks a name that goes into statements as it is. @throws TypeError */
export function checkTable(table: string): string {
  if (/^[A-Za-z][A-Za-z0-9_]{0,47}$/.test(table)) return table;
  throw new TypeError(`Cannot use table name: ${JSON.stringify(table)}`);
}

/** The names of the outboxes in a file, those of versions of before among them. */
export function outboxTables(sql: Sql): string[] {
  const names = sql(
    "SELECT substr(name, 1, length(name) - 6) AS name FROM sqlite_schema WHERE type = 'table' AND name LIKE '%\\_total' ESCAPE '\\' ORDER BY name",
  )
    .all()
    .map((row) => row.name as string);
  const exists = sql("SELECT count(*) AS count FROM sqlite_schema WHERE type = 'table' AND name IN (?, ?)");
  return names.filter((name) => exists.get(name, `${name}_meta`)?.count === 2);
}

const states: readonly unknown[] = ['ready', 'waiting', 'held', 'quarantined', 'kept'];
/** Their totals are what the rows add up to. */
const stateNames = "('ready', 'waiting', 'held', 'quarantined', 'kept')";
const numbers = ['priority', 'enqueued_at_ms', 'due_ms', 'attempts', 'bytes'] as const;

function isReadable(row: Readonly<Row>): boolean {
  return states.includes(row.state) && numbers.every((name) => typeof row[name] === 'number') && isIntact(row);
}

/** The version of the outbox in a file that does not count its parts. @throws OutboxError `foreign_table`, `newer_version` */
function adopted({ sql, tables }: AdoptedFile, table: string): number {
  if (!tables.includes(table)) return 0;
  const version = tables.includes(`${table}_meta`)
    ? Number(sql(withTable("SELECT value FROM $t_meta WHERE key = 'schema_version'", table)).get()?.value)
    : Number.NaN;
  if (version > schemaVersion) {
    const message = `Cannot use table ${table}: its schema version is ${version}, this program knows up to ${schemaVersion}; use a newer one`;
    throw new OutboxError('newer_version', message);
  }
  if (columnsOf(sql, table) === columns[version]) return version;
  // A table of somebody else has no version of ours beside it.
  if (Object.hasOwn(columns, version))
    throw damage(`the columns of table ${table} are not those of version ${version}`);
  const message = `Cannot use table ${table}: it has other columns than an outbox, choose another \`table\``;
  throw new OutboxError('foreign_table', message);
}

function columnsOf(sql: Sql, table: string): string {
  return sql('SELECT name FROM pragma_table_info(?)')
    .all(table)
    .map((row) => row.name)
    .join();
}

function mend(sql: Sql, table: string, salvaged: readonly TableSalvage[] | null): void {
  if (salvaged === null) {
    if (wrongTotal(sql, table) !== null) recountTotals(sql, table);
    return;
  }
  for (const statement of withTable(seeds, table).split(';')) if (statement.trim() !== '') sql(statement).run();
  releaseAll(sql, table);
  recountTotals(sql, table);
  countLost(sql, table, salvaged.find((entry) => entry.table === table)?.lostRows ?? 0);
}

const problemsMax = 100;

/** The totals, and the heads of order keys. */
function problemsOf(sql: Sql, table: string): string[] {
  const wrong = wrongTotal(sql, table);
  const problems = wrong === null ? [] : [`the total of ${wrong} is not what its records add up to`];
  const late = sql(
    withTable(
      `SELECT order_key FROM $t WHERE order_key IS NOT NULL AND state <> 'quarantined'
         GROUP BY order_key HAVING sum(state <> 'held') <> 1 LIMIT ${problemsMax}`,
      table,
    ),
  ).all();
  for (const row of late)
    problems.push(`the records of order key ${JSON.stringify(row.order_key)} have no single head`);
  return problems;
}

/** Counts the states again, for a file whose totals disagree with its rows. */
function recountTotals(sql: Sql, table: string): void {
  sql(
    `UPDATE ${table}_total SET records = (SELECT count(*) FROM ${table} WHERE state = name),
       bytes = (SELECT coalesce(sum(bytes), 0) FROM ${table} WHERE state = name)
     WHERE name IN ${stateNames}`,
  ).run();
}

/** A state whose total is not what its rows add up to, or null. Reads every row. */
function wrongTotal(sql: Sql, table: string): string | null {
  const wrong = sql(
    `WITH actual AS (SELECT state, count(*) AS records, sum(bytes) AS bytes FROM ${table} GROUP BY state)
     SELECT name FROM ${table}_total LEFT JOIN actual ON state = name
       WHERE name IN ${stateNames}
         AND (${table}_total.records <> coalesce(actual.records, 0) OR ${table}_total.bytes <> coalesce(actual.bytes, 0)) LIMIT 1`,
  );
  return (wrong.get()?.name as string | undefined) ?? null;
}

/** How many records there should be, by the totals; null where they cannot say. */
function countExpected(sql: Sql, table: string): number | null {
  const sum = `SELECT sum(records) AS records FROM ${table}_total WHERE name IN ${stateNames}`;
  const records = sql(sum).get()?.records;
  return typeof records === 'number' ? records : null;
}

/** Counts records that a salvage could not read. */
function countLost(sql: Sql, table: string, records: number): void {
  sql(`UPDATE ${table}_total SET records = records + ? WHERE name = 'lost'`).run(records);
}
