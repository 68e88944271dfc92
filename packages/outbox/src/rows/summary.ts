import type { Sql } from '@kanade/durable';
import type { DropReason } from '../core/event.ts';
import type { RecordState } from './record.ts';
import type { Tally } from './store.ts';
import { seqsInState } from './walk-state.ts';

/** A stored record without its body. */
export interface RecordSummary {
  readonly id: string;
  readonly subject: string;
  /** Null when damage made them unreadable; the drainer quarantines such a record. */
  readonly headers: Readonly<Record<string, string>> | null;
  readonly state: RecordState;
  readonly priority: number;
  readonly orderKey: string | null;
  /** Failed attempts so far. */
  readonly attempts: number;
  /** The last failure, or why it was set apart; null when there was none. */
  readonly reason: string | null;
  /** What came back for a record that is kept, else null. */
  readonly receipt: string | null;
  readonly bytes: number;
  readonly enqueuedAtMs: number;
  /** When a waiting record is tried next, else null. */
  readonly dueAtMs: number | null;
  readonly expiresAtMs: number | null;
  /** Give the last one to `list({ after })` to read on. */
  readonly cursor: number;
}

/** What is stored now, and what left since the store was created. */
export interface Counts {
  readonly ready: Tally;
  readonly waiting: Tally;
  /** Behind an earlier record of their `orderKey`. */
  readonly held: Tally;
  readonly quarantined: Tally;
  /** Delivered, and still here. */
  readonly kept: Tally;
  /** Deliveries; what is kept is among them. */
  readonly delivered: Tally;
  readonly dropped: { readonly [reason in DropReason]: Tally };
  /** Records that a salvage knew of and could not read. */
  readonly lost: Tally;
}

export const summaryColumns =
  'seq, id, subject, headers, order_key, state, priority, attempts, reason, bytes, enqueued_at_ms, due_ms, expires_at_ms';

type Row = Readonly<Record<string, unknown>>;

export function readCounts(sql: Sql): Counts {
  const rows = sql('SELECT name, records, bytes FROM $t_total').all();
  const tally = (name: string): Tally => {
    const row = rows.find((candidate) => candidate.name === name);
    return { records: Number(row?.records ?? 0), bytes: Number(row?.bytes ?? 0) };
  };
  return {
    ready: tally('ready'),
    waiting: tally('waiting'),
    held: tally('held'),
    quarantined: tally('quarantined'),
    kept: tally('kept'),
    delivered: tally('delivered'),
    dropped: {
      expired: tally('expired'),
      over_budget: tally('over_budget'),
      quarantine_full: tally('quarantine_full'),
      by_caller: tally('by_caller'),
    },
    lost: tally('lost'),
  };
}

/** Rows in the order in which they were enqueued. */
export function listRows(
  sql: Sql,
  { state, after, limit }: { state: RecordState | undefined; after: number; limit: number },
): RecordSummary[] {
  if (state === undefined) {
    return sql(`SELECT ${summaryColumns} FROM $t WHERE seq > ? ORDER BY seq LIMIT ?`).all(after, limit).map(summaryOf);
  }
  const find = sql(`SELECT ${summaryColumns} FROM $t WHERE seq = ?`);
  return seqsInState(sql, { state, after, limit }).map((seq) => summaryOf(find.get(seq) ?? {}));
}

export function summaryOf(row: Row): RecordSummary {
  const reason = row.reason as string | null;
  const isKept = row.state === 'kept';
  return {
    id: row.id as string,
    subject: row.subject as string,
    headers: decodeHeaders(row.headers as string),
    state: row.state as RecordState,
    priority: row.priority as number,
    orderKey: row.order_key as string | null,
    attempts: row.attempts as number,
    reason: isKept ? null : reason,
    receipt: isKept ? reason : null,
    bytes: row.bytes as number,
    enqueuedAtMs: row.enqueued_at_ms as number,
    dueAtMs: row.state === 'waiting' ? (row.due_ms as number) : null,
    expiresAtMs: row.expires_at_ms as number | null,
    cursor: row.seq as number,
  };
}

function decodeHeaders(text: string): Readonly<Record<string, string>> | null {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return null;
  }
}
