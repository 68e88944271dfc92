import type { Sql } from '@kanade/durable';
import { sweptRows } from './drops.ts';
import { moveRow } from './key-order.ts';
import type { Tx } from './totals.ts';

/** Whether `promote` or `dropExpired` would change anything; a look costs no commit. */
export function needsSweep(sql: Sql, nowMs: number): boolean {
  const due = sql("SELECT 1 FROM $t WHERE state = 'waiting' AND due_ms <= ? LIMIT 1").get(nowMs);
  if (due) return true;
  return sql("SELECT 1 FROM $t WHERE expires_at_ms <= ? AND state <> 'quarantined' LIMIT 1").get(nowMs) !== undefined;
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

/** When the next waiting record is due, null when none waits. */
export function nextDueMs(sql: Sql): number | null {
  return (
    (sql("SELECT min(due_ms) AS due FROM $t WHERE state = 'waiting'").get()?.due as number | null | undefined) ?? null
  );
}
