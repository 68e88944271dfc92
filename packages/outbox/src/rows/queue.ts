import type { Sql } from '@kanade/durable';
import { OutboxError } from '../core/error.ts';
import type { OutboxLimits } from '../core/limits.ts';
import { makeRoom, type RefusedRecord } from './budget.ts';
import { type Dropped, dropRows, sweptRows } from './drops.ts';
import { isHead, isKeyBusy, moveRow, releaseNext } from './key-order.ts';
import { type EncodedRecord, isIntact, type QueuedRecord, type RecordState } from './record.ts';
import { exceededBy, type Tx } from './store.ts';
import { seqsInState } from './walk-state.ts';

/** Names one stored row; the id too, so that a row number that came back after a salvage never names a stranger. */
export interface RowKey {
  readonly seq: number;
  readonly id: string;
  readonly orderKey: string | null;
  readonly bytes: number;
}

export type Insertion =
  | {
      readonly kind: 'queued' | 'duplicate';
      /** What had to go to make room. */
      readonly dropped: readonly Dropped[];
    }
  | RefusedRecord;

/** Adds a record within budget; a refusal is a value, because the other records of the same commit go on. */
export function insertRecord(tx: Tx, record: EncodedRecord, limits: OutboxLimits): Insertion {
  if (!exceededBy(tx, record.bytes, limits)) return insertRow(tx, record, []);
  // What is stored already needs no room.
  const stored = compareStored(tx.sql, record);
  if (stored) return stored;
  const dropped = makeRoom(tx, record, limits);
  return Array.isArray(dropped) ? insertRow(tx, record, dropped) : (dropped as RefusedRecord);
}

function insertRow(tx: Tx, record: EncodedRecord, dropped: readonly Dropped[]): Insertion {
  const { notBeforeMs, orderKey, bytes } = record;
  const early = notBeforeMs !== null && notBeforeMs > tx.nowMs;
  const state = orderKey !== null && isKeyBusy(tx, orderKey) ? 'held' : early ? 'waiting' : 'ready';
  const { changes } = tx
    .sql(`INSERT INTO $t (id, subject, headers, order_key, priority, not_before_ms, expires_at_ms, enqueued_at_ms, state,
         due_ms, attempts, bytes, checksum, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?) ON CONFLICT (id) DO NOTHING`)
    .run(
      record.id,
      record.subject,
      record.headers,
      orderKey,
      record.priority,
      notBeforeMs,
      record.expiresAtMs,
      tx.nowMs,
      state,
      notBeforeMs ?? 0,
      bytes,
      record.checksum,
      record.body,
    );
  if (changes === 0) {
    const stored = compareStored(tx.sql, record);
    if (stored) return stored;
    // One of that id was delivered and is only kept: this is the next one.
    forgetKept(tx, tx.sql('SELECT seq FROM $t WHERE id = ?').get(record.id)?.seq as number);
    return insertRow(tx, record, dropped);
  }
  tx.totals.add(state, 1, bytes);
  return { kind: 'queued', dropped };
}

/** What an enqueue of an id that is stored comes to, null when it is not stored. */
function compareStored(sql: Sql, record: EncodedRecord): Insertion | null {
  const stored = sql("SELECT subject, headers, order_key, body FROM $t WHERE id = ? AND state <> 'kept'").get(
    record.id,
  );
  if (!stored) return null;
  const { subject, headers, order_key, body } = stored;
  const same = subject === record.subject && headers === record.headers && order_key === record.orderKey;
  if (same && Buffer.compare(body as Uint8Array, record.body) === 0) return { kind: 'duplicate', dropped: [] };
  const message = `Cannot enqueue ${record.id}: a record with this id and other content is queued`;
  return { kind: 'refused', error: new OutboxError('id_conflict', message), dropped: [] };
}

/** Rows that are ready, highest priority first, oldest first within it; from the index alone. */
export function readyRows(sql: Sql, limit: number): { seq: number; priority: number }[] {
  const rows = sql("SELECT seq, priority FROM $t WHERE state = 'ready' ORDER BY priority DESC, seq LIMIT ?").all(limit);
  return rows.map((row) => ({ seq: row.seq as number, priority: row.priority as number }));
}

/** A row read whole; `record` is null when its bytes are not those that were enqueued. */
export interface LoadedRow {
  readonly key: RowKey;
  readonly attempts: number;
  readonly record: QueuedRecord | null;
}

/** Loads a record with its body; null when it is gone. */
export function loadRow(sql: Sql, seq: number): LoadedRow | null {
  const row =
    sql(`SELECT id, subject, headers, order_key, priority, attempts, enqueued_at_ms, expires_at_ms, bytes, checksum,
    body FROM $t WHERE seq = ?`).get(seq);
  if (!row) return null;
  const [id, subject, headers] = [row.id as string, row.subject as string, row.headers as string];
  const body = row.body as Uint8Array<ArrayBuffer>;
  const orderKey = row.order_key as string | null;
  const attempts = row.attempts as number;
  const key = { seq, id, orderKey, bytes: row.bytes as number };
  if (!isIntact(row)) return { key, attempts, record: null };
  const record = {
    id,
    subject,
    headers: headers === '{}' ? {} : JSON.parse(headers),
    body,
    priority: row.priority as number,
    orderKey,
    attempts,
    enqueuedAtMs: row.enqueued_at_ms as number,
    expiresAtMs: row.expires_at_ms as number | null,
  };
  return { key, attempts, record };
}

/**
 * Removes a delivered record and counts it; false when somebody dropped it meanwhile. With a receipt it is kept, unless it
 * is good only for a time or in its order.
 */
export function settleDelivered(tx: Tx, { seq, id, orderKey, bytes }: RowKey, receipt: string | null): boolean {
  if (receipt !== null && orderKey === null) {
    const kept = tx.sql(`UPDATE $t SET state = 'kept', reason = ?, attempts = 0
      WHERE seq = ? AND id = ? AND state = 'ready' AND expires_at_ms IS NULL`);
    if (kept.run(receipt, seq, id).changes === 1) {
      tx.totals.add('ready', -1, -bytes);
      tx.totals.add('kept', 1, bytes);
      tx.totals.add('delivered', 1, bytes);
      return true;
    }
  }
  const { changes } = tx.sql("DELETE FROM $t WHERE seq = ? AND id = ? AND state = 'ready'").run(seq, id);
  let from: string = 'ready';
  if (changes === 0) {
    // Held behind a replayed record, or set apart by hand, while it was under way; or gone.
    const row = tx.sql('DELETE FROM $t WHERE seq = ? AND id = ? RETURNING state').get(seq, id);
    if (!row) return false;
    from = row.state as string;
  }
  tx.totals.add(from, -1, -bytes);
  tx.totals.add('delivered', 1, bytes);
  if (orderKey !== null) releaseNext(tx, orderKey);
  return true;
}

/** Removes a kept record. @returns how many it was */
export function forgetKept(tx: Tx, seq: number): number {
  const row = tx.sql("DELETE FROM $t WHERE seq = ? AND state = 'kept' RETURNING bytes").get(seq);
  if (!row) return 0;
  tx.totals.add('kept', -1, -(row.bytes as number));
  return 1;
}

/** Forgets the oldest kept records over a limit, at most `sweptRows`. */
export function trimKept(tx: Tx, { recordsMax, bytesMax }: { recordsMax: number; bytesMax: number }): void {
  const isOver = (): boolean => {
    const { records, bytes } = tx.totals.get('kept');
    return records > recordsMax || bytes > bytesMax;
  };
  if (!isOver()) return;
  for (const seq of seqsInState(tx.sql, { state: 'kept', after: 0, limit: sweptRows })) {
    if (!isOver()) return;
    forgetKept(tx, seq);
  }
}

/** Puts a record off after a failed attempt; false when it is gone, or was set apart meanwhile. */
export function retryLater(
  tx: Tx,
  { seq, id, orderKey, bytes }: RowKey,
  next: { attempts: number; dueMs: number; reason: string },
): boolean {
  const from = stateOf(tx, seq, id);
  if (from === null || from === 'quarantined' || from === 'kept') return false;
  // A replay may have put an earlier record of the key before this one while it was under way.
  const to = orderKey === null || isHead(tx, orderKey, seq) ? 'waiting' : 'held';
  tx.sql(`UPDATE $t SET state = ?1, attempts = ?2, due_ms = CASE ?1 WHEN 'held' THEN coalesce(not_before_ms, 0) ELSE ?3 END,
    reason = ?4 WHERE seq = ?5`).run(to, next.attempts, next.dueMs, next.reason, seq);
  tx.totals.add(from, -1, -bytes);
  tx.totals.add(to, 1, bytes);
  return true;
}

/** Sets a record apart and keeps the quarantine within its limits, oldest out first. Null when the record is gone or apart already. */
export function quarantineRow(
  tx: Tx,
  { seq, id, orderKey, bytes }: RowKey,
  { attempts, reason, limits }: { attempts: number; reason: string; limits: OutboxLimits },
): Dropped[] | null {
  const from = stateOf(tx, seq, id);
  if (from === null || from === 'quarantined' || from === 'kept') return null;
  tx.sql("UPDATE $t SET state = 'quarantined', attempts = ?, reason = ? WHERE seq = ?").run(attempts, reason, seq);
  tx.totals.add(from, -1, -bytes);
  tx.totals.add('quarantined', 1, bytes);
  if (orderKey !== null) releaseNext(tx, orderKey);
  const dropped: Dropped[] = [];
  const keptMax = limits.dropsKeptMax;
  for (let held = tx.totals.get('quarantined'); held.records > 0; held = tx.totals.get('quarantined')) {
    if (held.records <= limits.quarantineRecordsMax && held.bytes <= limits.quarantineBytesMax) break;
    const where = "state = 'quarantined' ORDER BY seq LIMIT ?";
    const oldest = dropRows(tx, where, { values: [1], reason: 'quarantine_full', keptMax });
    if (oldest.length === 0) break;
    dropped.push(...oldest);
  }
  return dropped;
}

function stateOf({ sql }: Tx, seq: number, id: string): RecordState | null {
  return (sql('SELECT state FROM $t WHERE seq = ? AND id = ?').get(seq, id)?.state as RecordState | undefined) ?? null;
}

/** What time alone will change. */
export interface Due {
  /** Whether `promote` or `dropExpired` would change anything now. */
  readonly isSwept: boolean;
  /** When the next waiting record is due, null when none waits. */
  readonly nextMs: number | null;
}

/** A look at what is due; it costs no commit. */
export function readDue(sql: Sql, nowMs: number): Due {
  const row = sql(
    `SELECT (SELECT min(due_ms) FROM $t WHERE state = 'waiting') AS due,
       EXISTS (SELECT 1 FROM $t WHERE expires_at_ms <= ? AND state <> 'quarantined') AS expired`,
  ).get(nowMs);
  const nextMs = row?.due as number | null;
  return { isSwept: (nextMs !== null && nextMs <= nowMs) || row?.expired === 1, nextMs };
}

/** Makes waiting records ready whose time has come, at most `sweptRows`. */
export function promote(tx: Tx): void {
  const due = tx
    .sql("SELECT seq, bytes FROM $t WHERE state = 'waiting' AND due_ms <= ? ORDER BY due_ms LIMIT ?")
    .all(tx.nowMs, sweptRows);
  for (const row of due) {
    moveRow(tx, { seq: row.seq as number, bytes: row.bytes as number, from: 'waiting', to: 'ready' });
  }
}

/** Pulls in due times that a clock which was ahead left in the far future, at most `sweptRows`. @returns how many */
export function clampDue({ sql }: Tx, latestMs: number): number {
  const latest = 'max(coalesce(not_before_ms, 0), ?1)';
  const far = `SELECT seq FROM $t WHERE state = 'waiting' AND due_ms > ?1 AND due_ms > ${latest} LIMIT ?2`;
  return Number(sql(`UPDATE $t SET due_ms = ${latest} WHERE seq IN (${far})`).run(latestMs, sweptRows).changes);
}
