import { type RecordSummary, summaryColumns, summaryOf } from './inspect.ts';
import { isIntact } from './record.ts';
import type { RecordState } from './records.ts';
import { damage } from './sqlite-error.ts';
import { seqsInState } from './state-order.ts';
import type { Sql } from './statements.ts';

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
