import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { isIntact } from './record.ts';
import { withTable } from './schema.ts';

type Row = Record<string, null | number | bigint | string | Uint8Array>;

/** Rows copied per transaction. */
const batchRows = 256;

const states: readonly unknown[] = ['ready', 'waiting', 'held', 'quarantined'];
const numbers = ['priority', 'enqueued_at_ms', 'due_ms', 'attempts', 'bytes'] as const;

// seq as well: deliveries under way during a salvage are settled by seq and id.
const copied =
  'seq,id,subject,headers,order_key,priority,not_before_ms,expires_at_ms,enqueued_at_ms,state,due_ms,attempts,reason,bytes,checksum,body';
const places = copied.replaceAll(/[a-z_]+/g, '?');

/** Copies every row that can be read and has the right checksum, in order. @returns how many */
export function readIntactRows(source: DatabaseSync, target: DatabaseSync, table: string): number {
  const from = openRows(source, table);
  if (from === null) return 0;
  const insert = target.prepare(withTable(`INSERT OR IGNORE INTO $t (${copied}) VALUES (${places})`, table));
  let records = 0;
  for (let seq: number | null = 0; seq !== null; ) {
    target.exec('BEGIN');
    for (let count = 0; count < batchRows && seq !== null; count++) {
      const row = rowFrom(from, seq + 1) ?? nextAfterGap(from, seq + 1);
      if (row === null || row === 'end') {
        seq = null;
        break;
      }
      seq = row.seq as number;
      if (isReadable(row)) records += Number(insert.run(...copied.split(',').map((name) => row[name] ?? null)).changes);
    }
    target.exec('COMMIT');
  }
  return records;
}

function openRows(source: DatabaseSync, table: string): StatementSync | null {
  try {
    return source.prepare(withTable('SELECT * FROM $t WHERE seq >= ? ORDER BY seq LIMIT 1', table));
  } catch (error) {
    // The schema itself cannot be read, or there is no outbox in the file.
    if (!isSqliteError(error)) throw error;
    return null;
  }
}

/** The first row at or after `seq`, `'end'` when there is none, null when SQLite cannot tell. */
function rowFrom(rows: StatementSync, seq: number): Row | 'end' | null {
  try {
    const row = rows.get(seq) as Row | undefined;
    if (row === undefined) return 'end';
    // A scrambled page can answer with a row from before: walking on from there would not end.
    return typeof row.seq === 'number' && row.seq >= seq ? row : null;
  } catch (error) {
    if (!isSqliteError(error)) throw error;
    return null;
  }
}

/** Finds the first readable row behind a damaged page: steps that double, then halves. Null when there is none. */
function nextAfterGap(rows: StatementSync, seq: number): Row | 'end' | null {
  let unreadable = seq;
  let step = 1;
  while (rowFrom(rows, unreadable + step) === null) {
    unreadable += step;
    step *= 2;
    if (unreadable + step > Number.MAX_SAFE_INTEGER) return null;
  }
  let readable = unreadable + step;
  while (readable - unreadable > 1) {
    const middle = unreadable + Math.floor((readable - unreadable) / 2);
    if (rowFrom(rows, middle) === null) unreadable = middle;
    else readable = middle;
  }
  return rowFrom(rows, readable);
}

function isReadable(row: Row): boolean {
  return states.includes(row.state) && numbers.every((name) => typeof row[name] === 'number') && isIntact(row);
}

function isSqliteError(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error;
}
