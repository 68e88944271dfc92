/*
 * Order per key. Of the records with one order_key that are not in quarantine, only the oldest is 'ready' or 'waiting'; the
 * others are 'held', with their not-before as due_ms. Whoever takes the head away calls
 * `releaseNext`; whoever puts a row before it calls `holdHead` first.
 */
import type { Sql } from '@kanade/durable';
import type { RecordState } from './record.ts';
import type { Tx } from './store.ts';

/** Changes the state of one row, and the totals with it. */
export function moveRow(
  { sql, totals }: Tx,
  row: { seq: number; bytes: number; from: RecordState; to: RecordState },
): void {
  sql('UPDATE $t SET state = ? WHERE seq = ?').run(row.to, row.seq);
  totals.add(row.from, -1, -row.bytes);
  totals.add(row.to, 1, row.bytes);
}

/** True when a record with this key would have to wait for another one. */
export function isKeyBusy({ sql }: Tx, orderKey: string): boolean {
  return sql("SELECT 1 FROM $t WHERE order_key = ? AND state <> 'quarantined' LIMIT 1").get(orderKey) !== undefined;
}

/** Lets the oldest record of a key go on, now or when its time comes. */
export function releaseNext(tx: Tx, orderKey: string): void {
  const head = tx
    .sql("SELECT seq, state, due_ms, bytes FROM $t WHERE order_key = ? AND state <> 'quarantined' ORDER BY seq LIMIT 1")
    .get(orderKey);
  if (head?.state !== 'held') return;
  const to = (head.due_ms as number) > tx.nowMs ? 'waiting' : 'ready';
  moveRow(tx, { seq: head.seq as number, bytes: head.bytes as number, from: 'held', to });
}

/** Holds the head of a key, because an earlier record comes back, for `releaseNext` to choose again. */
export function holdHead(tx: Tx, orderKey: string): void {
  const head = tx
    .sql("SELECT seq, state, bytes FROM $t WHERE order_key = ? AND state <> 'quarantined' ORDER BY seq LIMIT 1")
    .get(orderKey);
  if (!head || head.state === 'held') return;
  const seq = head.seq as number;
  moveRow(tx, { seq, bytes: head.bytes as number, from: head.state as RecordState, to: 'held' });
  tx.sql('UPDATE $t SET due_ms = coalesce(not_before_ms, 0) WHERE seq = ?').run(seq);
}

/** True when no earlier record of its key is queued. */
export function isHead({ sql }: Tx, orderKey: string, seq: number): boolean {
  const earlier = sql("SELECT 1 FROM $t WHERE order_key = ? AND state <> 'quarantined' AND seq < ? LIMIT 1");
  return earlier.get(orderKey, seq) === undefined;
}

/** After a salvage, which may have lost heads. A head whose not-before has passed is promoted by the drainer's sweep. */
export function releaseAll(sql: Sql, table: string): void {
  sql(
    `UPDATE ${table} SET state = CASE WHEN due_ms > 0 THEN 'waiting' ELSE 'ready' END
     WHERE state = 'held' AND NOT EXISTS (SELECT 1 FROM ${table} AS earlier
       WHERE earlier.order_key = ${table}.order_key AND earlier.state <> 'quarantined' AND earlier.seq < ${table}.seq)`,
  ).run();
}
