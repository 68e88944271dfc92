import { type Dropped, dropRows, type RecordState } from './records.ts';
import type { Sql } from './statements.ts';

/** A stored record without its body. */
export interface RecordSummary {
  readonly id: string;
  readonly subject: string;
  /** Null when damage made them unreadable; the drainer quarantines such a record. */
  readonly headers: Readonly<Record<string, string>> | null;
  readonly state: RecordState;
  readonly priority: number;
  /** Failed attempts so far. */
  readonly attempts: number;
  /** The last failure, null when there was none. */
  readonly reason: string | null;
  readonly bytes: number;
  readonly enqueuedAtMs: number;
  /** When a waiting record is tried next, else null. */
  readonly dueAtMs: number | null;
  readonly expiresAtMs: number | null;
  /** Give the last one to `list({ after })` to read on. */
  readonly cursor: number;
}

/** Which records: by id, or all of a kind. */
export type Selection = { readonly ids: readonly string[] } | { readonly state: RecordState };

export interface Tally {
  readonly records: number;
  readonly bytes: number;
}

/** What is stored now, and what left since the store was created. */
export interface Counts {
  readonly ready: Tally;
  readonly waiting: Tally;
  readonly quarantined: Tally;
  readonly delivered: Tally;
  readonly dropped: { readonly [reason in Dropped['reason']]: Tally };
  /** Records that a salvage knew of and could not read. */
  readonly lost: Tally;
}

export function readCounts(sql: Sql): Counts {
  const rows = sql('SELECT name, records, bytes FROM $t_total').all();
  const tally = (name: string): Tally => {
    const row = rows.find((candidate) => candidate.name === name);
    return { records: Number(row?.records ?? 0), bytes: Number(row?.bytes ?? 0) };
  };
  return {
    ready: tally('ready'),
    waiting: tally('waiting'),
    quarantined: tally('quarantined'),
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
  const rows = sql(`SELECT seq, id, subject, headers, state, priority, attempts, reason, bytes, enqueued_at_ms, due_ms,
      expires_at_ms FROM $t WHERE seq > ?1 AND (?2 IS NULL OR state = ?2) ORDER BY seq LIMIT ?3`).all(
    after,
    state ?? null,
    limit,
  );
  return rows.map((row) => ({
    id: row.id as string,
    subject: row.subject as string,
    headers: decodeHeaders(row.headers as string),
    state: row.state as RecordState,
    priority: row.priority as number,
    attempts: row.attempts as number,
    reason: row.reason as string | null,
    bytes: row.bytes as number,
    enqueuedAtMs: row.enqueued_at_ms as number,
    dueAtMs: row.state === 'waiting' ? (row.due_ms as number) : null,
    expiresAtMs: row.expires_at_ms as number | null,
    cursor: row.seq as number,
  }));
}

/** Gives quarantined or waiting records a new start: ready now, no attempts. @returns how many */
export function replayRows(sql: Sql, selection: Selection): number {
  const { where, value } = condition(selection);
  const fresh = "SET state = 'ready', attempts = 0, due_ms = 0";
  return Number(sql(`UPDATE $t ${fresh} WHERE state <> 'ready' AND ${where}`).run(value).changes);
}

export function dropSelected(sql: Sql, selection: Selection): Dropped[] {
  const { where, value } = condition(selection);
  return dropRows(sql, where, { values: [value], reason: 'by_caller' });
}

function decodeHeaders(text: string): Readonly<Record<string, string>> | null {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return null;
  }
}

function condition(selection: Selection): { where: string; value: string } {
  if ('ids' in selection)
    return { where: 'id IN (SELECT value FROM json_each(?))', value: JSON.stringify(selection.ids) };
  return { where: 'state = ?', value: selection.state };
}
