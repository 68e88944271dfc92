import { damage, type Sql } from '@kanade/durable';
import { isIntact, type RecordState } from './record.ts';
import { type RecordSummary, summaryColumns, summaryOf } from './summary.ts';
import { seqsInState } from './walk-state.ts';

/** What a check found. `ok` is true when there is nothing to tell. */
export interface VerifyReport {
  readonly ok: boolean;
  /** Records whose bytes were read and compared with their checksum. */
  readonly records: number;
  readonly bytes: number;
  /** Records whose stored bytes are not those that were enqueued. */
  readonly damagedRecords: number;
  /** Ids of the first of them, at most `listRecordsMax`. */
  readonly damagedIds: readonly string[];
  /** What is wrong with the file itself, in the words of SQLite; at most 100. */
  readonly problems: readonly string[];
}

export interface CheckedRow {
  readonly seq: number;
  readonly id: string;
  readonly bytes: number;
  readonly intact: boolean;
}

/** The next row behind a cursor, read whole and compared with its checksum; null at the end. */
export function checkRow(sql: Sql, after: number): CheckedRow | null {
  const row = sql(
    'SELECT seq, id, subject, headers, order_key, bytes, checksum, body FROM $t WHERE seq > ? ORDER BY seq LIMIT 1',
  ).get(after);
  if (!row) return null;
  // A scrambled page can answer with a row from before: walking on from there would not end.
  if (typeof row.seq !== 'number' || row.seq <= after) throw damage(`the rows behind ${after} are out of order`);
  return { seq: row.seq, id: String(row.id), bytes: Number(row.bytes), intact: isIntact(row) };
}

/** A stored record with its body. */
export interface ExportedRecord extends RecordSummary {
  readonly notBeforeMs: number | null;
  readonly body: Uint8Array<ArrayBuffer>;
  /** False when its stored bytes do not match their checksum. */
  readonly intact: boolean;
}

/** The first record behind a cursor, whole; null when there is none. */
export function exportRow(
  sql: Sql,
  { state, after }: { state: RecordState | undefined; after: number },
): ExportedRecord | null {
  const columns = `${summaryColumns}, not_before_ms, checksum, body`;
  const seq = state ? seqsInState(sql, { state, after, limit: 1 })[0] : null;
  if (seq === undefined) return null;
  const row = sql(`SELECT ${columns} FROM $t WHERE seq >= ? ORDER BY seq LIMIT 1`).get(seq ?? after + 1);
  if (!row) return null;
  if (typeof row.seq !== 'number' || row.seq <= after) throw damage(`the rows behind ${after} are out of order`);
  return {
    ...summaryOf(row),
    notBeforeMs: row.not_before_ms as number | null,
    // A flipped bit may take the body's type: then there is none to give.
    body: row.body instanceof Uint8Array ? (row.body as Uint8Array<ArrayBuffer>) : new Uint8Array(),
    intact: isIntact(row),
  };
}
