import { OutboxError } from '../outbox/error.ts';
import type { DropReason } from '../outbox/event.ts';
import type { OutboxLimits } from '../outbox/limits.ts';
import { checksumOf, type EncodedRecord } from './record.ts';
import type { Sql } from './statements.ts';

export type RecordState = 'ready' | 'waiting' | 'quarantined';

export interface Dropped {
  readonly id: string;
  readonly bytes: number;
  readonly reason: DropReason;
}

/** A record on its way out, as `deliver` sees it. */
export interface QueuedRecord {
  readonly id: string;
  readonly subject: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer>;
  readonly priority: number;
  /** Failed attempts so far. */
  readonly attempts: number;
  readonly enqueuedAtMs: number;
  readonly expiresAtMs: number | null;
}

/** Names one stored row; the id too, so that a row number that came back after a salvage never names a stranger. */
export interface RowKey {
  readonly seq: number;
  readonly id: string;
}

export interface Insertion {
  readonly kind: 'queued' | 'duplicate';
  /** What had to go to make room. */
  readonly dropped: readonly Dropped[];
}

/** Adds a record, within budget. @throws OutboxError `id_conflict`, `over_budget` before anything was written */
export function insertRecord(sql: Sql, record: EncodedRecord, at: { nowMs: number; limits: OutboxLimits }): Insertion {
  const stored = sql('SELECT subject, headers, body FROM $t WHERE id = ?').get(record.id);
  if (stored) {
    const same = stored.subject === record.subject && stored.headers === record.headers;
    if (same && Buffer.compare(stored.body as Uint8Array, record.body) === 0) return { kind: 'duplicate', dropped: [] };
    throw new OutboxError(
      'id_conflict',
      `Cannot enqueue ${record.id}: a record with this id and other content is queued`,
    );
  }
  const dropped = makeRoom(sql, record, at);
  const { notBeforeMs } = record;
  sql(`INSERT INTO $t (id, subject, headers, priority, not_before_ms, expires_at_ms, enqueued_at_ms, state, due_ms, attempts,
         bytes, checksum, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?)`).run(
    record.id,
    record.subject,
    record.headers,
    record.priority,
    notBeforeMs,
    record.expiresAtMs,
    at.nowMs,
    notBeforeMs !== null && notBeforeMs > at.nowMs ? 'waiting' : 'ready',
    notBeforeMs ?? 0,
    record.bytes,
    record.checksum,
    record.body,
  );
  return { kind: 'queued', dropped };
}

function makeRoom(
  sql: Sql,
  record: EncodedRecord,
  { nowMs, limits }: { nowMs: number; limits: OutboxLimits },
): Dropped[] {
  if (record.bytes > limits.bytesMax) throw overBudget(record.id, 'bytesMax', limits.bytesMax, record.bytes);
  let exceeded = excess(sql, record, limits);
  if (!exceeded) return [];
  const dropped = dropExpired(sql, nowMs);
  for (exceeded = excess(sql, record, limits); exceeded; exceeded = excess(sql, record, limits)) {
    if (limits.whenFull === 'refuse') throw overBudget(record.id, exceeded.limit, exceeded.maximum, exceeded.actual);
    dropped.push(
      ...dropRows(sql, "state <> 'quarantined' ORDER BY seq LIMIT ?", { values: [1], reason: 'over_budget' }),
    );
  }
  return dropped;
}

function excess(sql: Sql, record: EncodedRecord, limits: OutboxLimits) {
  const queued = sql(
    "SELECT sum(records) AS records, sum(bytes) AS bytes FROM $t_total WHERE name IN ('ready', 'waiting')",
  ).get() as { records: number; bytes: number };
  const records = queued.records + 1;
  const bytes = queued.bytes + record.bytes;
  if (records > limits.recordsMax) return { limit: 'recordsMax', maximum: limits.recordsMax, actual: records };
  if (bytes > limits.bytesMax) return { limit: 'bytesMax', maximum: limits.bytesMax, actual: bytes };
  return null;
}

function overBudget(id: string, limit: string, maximum: number, actual: number): OutboxError {
  const message = `Cannot enqueue ${id}: the outbox would hold ${actual}, ${limit} is ${maximum}; drain it or raise the limit`;
  return new OutboxError('over_budget', message, { exceeded: { limit, maximum, actual } });
}

/** Removes what expired before `nowMs`; quarantined records stay. */
export function dropExpired(sql: Sql, nowMs: number): Dropped[] {
  return dropRows(sql, "expires_at_ms <= ? AND state <> 'quarantined'", { values: [nowMs], reason: 'expired' });
}

/** Removes rows by a condition of this package, counts and returns them. */
export function dropRows(
  sql: Sql,
  where: string,
  { values, reason }: { values: (number | string)[]; reason: DropReason },
): Dropped[] {
  const rows = sql(`DELETE FROM $t WHERE seq IN (SELECT seq FROM $t WHERE ${where}) RETURNING id, bytes`).all(
    ...values,
  );
  const dropped = rows.map((row) => ({ id: row.id as string, bytes: row.bytes as number, reason }));
  if (dropped.length > 0) addToTotal(sql, reason, dropped);
  return dropped;
}

function addToTotal(sql: Sql, name: string, rows: readonly { readonly bytes: number }[]): void {
  const bytes = rows.reduce((sum, row) => sum + row.bytes, 0);
  sql('UPDATE $t_total SET records = records + ?, bytes = bytes + ? WHERE name = ?').run(rows.length, bytes, name);
}

/** Whether `promote` or `dropExpired` would change anything; a look costs no commit. */
export function needsSweep(sql: Sql, nowMs: number): boolean {
  const due = sql("SELECT 1 FROM $t WHERE state = 'waiting' AND due_ms <= ? LIMIT 1").get(nowMs);
  if (due) return true;
  return sql("SELECT 1 FROM $t WHERE expires_at_ms <= ? AND state <> 'quarantined' LIMIT 1").get(nowMs) !== undefined;
}

/** Makes waiting records ready whose time has come. */
export function promote(sql: Sql, nowMs: number): void {
  sql("UPDATE $t SET state = 'ready' WHERE state = 'waiting' AND due_ms <= ?").run(nowMs);
}

/** Pulls in due times that a clock which was ahead left in the far future. */
export function clampDue(sql: Sql, latestMs: number): void {
  const latest = 'max(coalesce(not_before_ms, 0), ?1)';
  sql(`UPDATE $t SET due_ms = ${latest} WHERE state = 'waiting' AND due_ms > ${latest}`).run(latestMs);
}

/** When the next waiting record is due, null when none waits. */
export function nextDueMs(sql: Sql): number | null {
  return (
    (sql("SELECT min(due_ms) AS due FROM $t WHERE state = 'waiting'").get()?.due as number | null | undefined) ?? null
  );
}

/** The next rows to deliver: highest priority first, oldest first within it. */
export function readyRows(sql: Sql, limit: number): RowKey[] {
  return sql("SELECT seq, id FROM $t WHERE state = 'ready' ORDER BY priority DESC, seq LIMIT ?").all(
    limit,
  ) as unknown as RowKey[];
}

/** Loads a record with its body; `damaged` when its bytes are not those that were enqueued; null when it is gone. */
export function loadRecord(sql: Sql, key: RowKey): QueuedRecord | 'damaged' | null {
  const row = sql(`SELECT subject, headers, priority, attempts, enqueued_at_ms, expires_at_ms, checksum, body FROM $t
    WHERE seq = ? AND id = ?`).get(key.seq, key.id);
  if (!row) return null;
  const subject = row.subject as string;
  const headers = row.headers as string;
  const body = row.body as Uint8Array<ArrayBuffer>;
  if (checksumOf({ id: key.id, subject, headers, body }) !== row.checksum) return 'damaged';
  return {
    id: key.id,
    subject,
    headers: JSON.parse(headers),
    body,
    priority: row.priority as number,
    attempts: row.attempts as number,
    enqueuedAtMs: row.enqueued_at_ms as number,
    expiresAtMs: row.expires_at_ms as number | null,
  };
}

/** Removes a delivered record and counts it; false when somebody dropped it meanwhile. */
export function removeDelivered(sql: Sql, { seq, id }: RowKey): boolean {
  const row = sql('DELETE FROM $t WHERE seq = ? AND id = ? RETURNING bytes').get(seq, id);
  if (!row) return false;
  addToTotal(sql, 'delivered', [{ bytes: row.bytes as number }]);
  return true;
}

export function retryLater(
  sql: Sql,
  { seq, id }: RowKey,
  next: { attempts: number; dueMs: number; reason: string },
): boolean {
  const update = sql("UPDATE $t SET state = 'waiting', attempts = ?, due_ms = ?, reason = ? WHERE seq = ? AND id = ?");
  return update.run(next.attempts, next.dueMs, next.reason, seq, id).changes > 0;
}

/** Sets a record apart and keeps the quarantine within its limits, oldest out first. Null when the record is gone. */
export function quarantine(
  sql: Sql,
  { seq, id }: RowKey,
  { attempts, reason, limits }: { attempts: number; reason: string; limits: OutboxLimits },
): Dropped[] | null {
  const update = sql("UPDATE $t SET state = 'quarantined', attempts = ?, reason = ? WHERE seq = ? AND id = ?");
  if (update.run(attempts, reason, seq, id).changes === 0) return null;
  const dropped: Dropped[] = [];
  const total = () => sql("SELECT records, bytes FROM $t_total WHERE name = 'quarantined'").get();
  for (let held = total(); held && Number(held.records) > 0; held = total()) {
    if (Number(held.records) <= limits.quarantineRecordsMax && Number(held.bytes) <= limits.quarantineBytesMax) break;
    dropped.push(
      ...dropRows(sql, "state = 'quarantined' ORDER BY seq LIMIT ?", { values: [1], reason: 'quarantine_full' }),
    );
  }
  return dropped;
}
