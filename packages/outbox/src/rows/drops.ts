import type { Sql } from '@kanade/durable';
import type { DropReason } from '../core/event.ts';
import { releaseNext } from './key-order.ts';
import type { Tx } from './store.ts';

export interface Dropped {
  readonly id: string;
  readonly bytes: number;
  readonly reason: DropReason;
  /** Number of its note. In a `DropEntry`: give the last one to `drops({ after })` to read on. */
  readonly cursor: number;
}

/** A record that left undelivered, as the store remembers it. */
export interface DropEntry extends Dropped {
  readonly subject: string;
  readonly droppedAtMs: number;
}

/** Rows of one step of a sweep: few enough not to be felt by the event loop. */
export const sweptRows = 128;

/** Removes what expired before now, at most `sweptRows`; quarantined records stay. */
export function dropExpired(tx: Tx, keptMax: number): Dropped[] {
  const where = "expires_at_ms <= ? AND state <> 'quarantined' LIMIT ?";
  return dropRows(tx, where, { values: [tx.nowMs, sweptRows], reason: 'expired', keptMax });
}

/** Removes rows by a condition of this package; counts, notes and returns them, and lets the next of their keys go on. */
export function dropRows(
  tx: Tx,
  where: string,
  { values, reason, keptMax }: { values: (number | string)[]; reason: DropReason; keptMax: number },
): Dropped[] {
  const { sql, totals, nowMs } = tx;
  const rows = sql(`DELETE FROM $t WHERE seq IN (SELECT seq FROM $t WHERE ${where})
    RETURNING id, subject, bytes, state, order_key`).all(...values);
  const note = sql('INSERT INTO $t_drop (id, subject, bytes, reason, dropped_at_ms) VALUES (?, ?, ?, ?, ?)');
  const keys = new Set<string>();
  const dropped = rows.map((row) => {
    const { id, subject, bytes, state, order_key } = row as Record<string, string> & { bytes: number };
    totals.add(state as string, -1, -bytes);
    totals.add(reason, 1, bytes);
    const { lastInsertRowid } = note.run(id as string, subject as string, bytes, reason, nowMs);
    if (order_key) keys.add(order_key);
    return { id: id as string, bytes, reason, cursor: Number(lastInsertRowid) };
  });
  for (const key of keys) releaseNext(tx, key);
  if (dropped.length > 0) sql('DELETE FROM $t_drop WHERE seq <= (SELECT max(seq) FROM $t_drop) - ?').run(keptMax);
  return dropped;
}

/** The drops that are remembered, oldest first. */
export function listDrops(sql: Sql, { after, limit }: { after: number; limit: number }): DropEntry[] {
  const rows = sql(
    'SELECT seq, id, subject, bytes, reason, dropped_at_ms FROM $t_drop WHERE seq > ? ORDER BY seq LIMIT ?',
  ).all(after, limit);
  return rows.map((row) => ({
    id: row.id as string,
    subject: row.subject as string,
    bytes: row.bytes as number,
    reason: row.reason as DropReason,
    droppedAtMs: row.dropped_at_ms as number,
    cursor: row.seq as number,
  }));
}
