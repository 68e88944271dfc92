import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { integrity } from '../file/connect.ts';
import { isSqliteError } from '../file/error.ts';
import type { DurableTable, Row, Sql, TableSalvage, Value } from '../file/part.ts';

/** Rows copied per transaction. */
const batchRows = 256;

/** Name under which a row number is read beside the columns of its table. */
const numberColumn = 'durable_rowid';

interface CopyOptions {
  readonly source: DatabaseSync;
  readonly sourceSql: Sql;
  readonly target: DatabaseSync;
  readonly part: string;
  readonly table: DurableTable;
}

/** Copies every row that can be read and is intact, in order; what the damage hides is counted as far as it can be. */
export function copyTable({ source, sourceSql, target, part, table }: CopyOptions): TableSalvage {
  const { name } = table;
  const columns = target.prepare('SELECT name, pk FROM pragma_table_info(?) ORDER BY cid').all(name);
  const names = columns.map((column) => String(column.name));
  const keys = columns.filter((column) => Number(column.pk) > 0).sort((a, b) => Number(a.pk) - Number(b.pk));
  const isNumbered = Number(target.prepare('SELECT wr FROM pragma_table_list WHERE name = ?').get(name)?.wr) === 0;
  const insert = createInsert(target, name, names);
  const walk = isNumbered
    ? walkNumbers(source, name)
    : walkKeys(
        source,
        name,
        keys.map((column) => String(column.name)),
      );
  let rows = 0;
  let refused = 0;
  const { hasGap, isThere } = inBatches(target, walk, (row) => {
    if ((table.isIntact?.(row) ?? true) && insert(row)) rows++;
    else refused++;
  });
  if (isNumbered) keepSequence(source, target, name);
  const expected = isThere ? expectedRows(sourceSql, source, { target, table }) : null;
  const isSound = isThere && !hasGap && refused === 0 && isSoundTable(source, name) && (expected ?? rows) <= rows;
  const lostRows = isSound
    ? 0
    : expected === null
      ? hasGap || !isThere
        ? null
        : refused
      : Math.max(0, expected - rows);
  return { part, table: name, rows, lostRows, mayHaveLost: !isSound };
}

type Insert = (row: Row) => boolean;

function createInsert(target: DatabaseSync, table: string, names: readonly string[]): Insert {
  // Rows that a migration put there give way to those that were in the file.
  const conflict = target.prepare(`SELECT 1 FROM ${table} LIMIT 1`).get() ? 'REPLACE' : 'IGNORE';
  const list = names.map(quoted).join(', ');
  const places = names.map(() => '?').join(', ');
  const insert = target.prepare(`INSERT OR ${conflict} INTO ${table} (${list}) VALUES (${places})`);
  return (row) => {
    try {
      return Number(insert.run(...names.map((name) => row[name] ?? null)).changes) > 0;
    } catch (error) {
      // A value of another type than its column's: damage that SQLite did not see.
      if (isSqliteError(error) && (error.errcode & 0xff) === 19) return false;
      throw error;
    }
  };
}

/** What a walk meets: a row, or a place where rows may be missing. */
type Step = Row | 'gap' | 'no table';

function inBatches(target: DatabaseSync, walk: Iterable<Step>, take: (row: Row) => void) {
  let [hasGap, isThere, count] = [false, true, 0];
  target.exec('BEGIN');
  for (const step of walk) {
    if (step === 'gap') hasGap = true;
    else if (step === 'no table') isThere = false;
    else take(step);
    if (++count % batchRows === 0) target.exec('COMMIT; BEGIN');
  }
  target.exec('COMMIT');
  return { hasGap, isThere };
}

/** Rows by their numbers: behind a damaged page the walk goes on. */
function* walkNumbers(source: DatabaseSync, table: string): Generator<Step> {
  const rows = open(source, `SELECT rowid AS ${numberColumn}, * FROM ${table} WHERE rowid >= ? ORDER BY rowid LIMIT 1`);
  if (rows === null) return yield 'no table';
  const from = (number: number) => rowFrom(rows, number);
  for (let number = firstNumber(source, table); ; ) {
    let row = from(number);
    if (row === null) {
      yield 'gap';
      row = nextAfterGap(from, number);
    }
    if (row === null || row === 'end') return;
    yield row;
    number = Number(row[numberColumn]) + 1;
  }
}

/** The smallest row number; 1 where that cannot be read. */
function firstNumber(source: DatabaseSync, table: string): number {
  const first = open(source, `SELECT min(rowid) AS ${numberColumn} FROM ${table} WHERE rowid < 1`);
  const row = first === null ? null : read(first);
  return row === null || row === 'end' || typeof row[numberColumn] !== 'number' ? 1 : row[numberColumn];
}

/** Rows by their key, from both ends up to the damage between them: a key tells nothing about the next one. */
function* walkKeys(source: DatabaseSync, table: string, keys: readonly string[]): Generator<Step> {
  const list = keys.map(quoted).join(', ');
  const places = keys.map(() => '?').join(', ');
  const seen = new Set<string>();
  for (const [order, sign] of [
    ['', '>'],
    [' DESC', '<'],
  ] as const) {
    const by = keys.map((key) => quoted(key) + order).join(', ');
    const first = open(source, `SELECT * FROM ${table} ORDER BY ${by} LIMIT 1`);
    const after = open(source, `SELECT * FROM ${table} WHERE (${list}) ${sign} (${places}) ORDER BY ${by} LIMIT 1`);
    if (first === null || after === null) return yield 'no table';
    for (let row = read(first); ; ) {
      if (row === 'end') return;
      if (row === null) break;
      const values: Value[] = keys.map((key) => row?.[key as never] ?? null);
      const key = JSON.stringify(values, (_, value) => (typeof value === 'bigint' ? String(value) : value));
      // A scrambled page can answer with a row from before: walking on from there would not end.
      if (seen.has(key)) break;
      seen.add(key);
      yield row;
      row = read(after, values);
    }
    yield 'gap';
  }
}

/** Null when the table, or the schema itself, cannot be read. */
function open(source: DatabaseSync, text: string): StatementSync | null {
  try {
    const statement = source.prepare(text);
    // A flipped bit makes numbers that no double holds.
    statement.setReadBigInts(true);
    return statement;
  } catch (error) {
    if (!isSqliteError(error)) throw error;
    return null;
  }
}

/** `'end'` when there is no row, null when SQLite cannot tell. */
function read(statement: StatementSync, values: readonly Value[] = []): Row | 'end' | null {
  try {
    const row = statement.get(...values);
    if (row === undefined) return 'end';
    const entries = Object.entries(row).map(([name, value]) => [
      name,
      typeof value === 'bigint' ? narrowed(value) : value,
    ]);
    return Object.fromEntries(entries);
  } catch (error) {
    if (!isSqliteError(error)) throw error;
    return null;
  }
}

const narrowed = (value: bigint) =>
  value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;

/** The first row at or after `number`. */
function rowFrom(rows: StatementSync, number: number): Row | 'end' | null {
  const row = read(rows, [number]);
  if (row === null || row === 'end') return row;
  const found = row[numberColumn];
  // A scrambled page can answer with a row from before.
  return typeof found === 'number' && found >= number ? row : null;
}

/** Finds the first readable row behind a damaged page: steps that double, then halves. Null when there is none. */
function nextAfterGap(from: (number: number) => Row | 'end' | null, start: number): Row | 'end' | null {
  let unreadable = start;
  let step = 1;
  while (from(unreadable + step) === null) {
    unreadable += step;
    step *= 2;
    if (unreadable + step > Number.MAX_SAFE_INTEGER) return null;
  }
  let readable = unreadable + step;
  while (readable - unreadable > 1) {
    const middle = unreadable + Math.floor((readable - unreadable) / 2);
    if (from(middle) === null) unreadable = middle;
    else readable = middle;
  }
  return from(readable);
}

/** Numbers that were given out are not to be given out again. */
function keepSequence(source: DatabaseSync, target: DatabaseSync, table: string): void {
  const last = open(source, 'SELECT seq FROM sqlite_sequence WHERE name = ?');
  const row = last === null ? null : read(last, [table]);
  if (row === null || row === 'end' || typeof row.seq !== 'number') return;
  const current = target
    .prepare("SELECT sql LIKE '%AUTOINCREMENT%' AS isOn FROM sqlite_schema WHERE name = ?")
    .get(table);
  if (Number(current?.isOn) !== 1) return;
  const { changes } = target.prepare('UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?').run(row.seq, table);
  if (Number(changes) === 0)
    target.prepare('INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)').run(table, row.seq);
}

/** How many rows there should be: what the owner counted, else what the indexes hold; null where nothing can be read. */
function expectedRows(
  sql: Sql,
  source: DatabaseSync,
  { target, table }: { target: DatabaseSync; table: DurableTable },
): number | null {
  try {
    const counted = table.expectedRows?.(sql);
    if (typeof counted === 'number') return counted;
  } catch (error) {
    if (!isSqliteError(error)) throw error;
  }
  const indexes = target.prepare('SELECT name FROM pragma_index_list(?) WHERE partial = 0').all(table.name);
  const counts = indexes.flatMap(({ name }) => {
    const count = open(source, `SELECT count(*) AS rows FROM ${table.name} INDEXED BY ${quoted(String(name))}`);
    const row = count === null ? null : read(count);
    return row !== null && row !== 'end' && typeof row.rows === 'number' ? [row.rows] : [];
  });
  return counts.length === 0 ? null : Math.max(...counts);
}

function isSoundTable(source: DatabaseSync, table: string): boolean {
  try {
    return integrity(source, table).length === 0;
  } catch (error) {
    if (!isSqliteError(error)) throw error;
    return false;
  }
}

const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;
