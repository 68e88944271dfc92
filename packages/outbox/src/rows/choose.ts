import type { OutboxLimits } from '../core/limits.ts';
import { type Dropped, dropRows } from './drops.ts';
import { holdHead, releaseNext } from './key-order.ts';
import { forgetKept, quarantineRow } from './queue.ts';
import type { RecordState } from './record.ts';
import type { Tx } from './store.ts';
import { seqsInState } from './walk-state.ts';

/** Which records: by id, or all of a state. */
export type Selection = { readonly ids: readonly string[] } | { readonly state: RecordState };

const portionRows = 128;

interface Chosen {
  readonly seq: number;
  readonly id: string;
  readonly state: RecordState;
  readonly orderKey: string | null;
  readonly bytes: number;
  readonly attempts: number;
}

/** Where a walk over a selection is; null at its end. */
export interface Walk {
  readonly chosen: readonly Chosen[];
  readonly next: PlaceInWalk | null;
}

/** For ids: how many are done. For a state: the last row seen, and the last one there was when the walk began. */
export interface PlaceInWalk {
  readonly after: number;
  readonly upTo: number | null;
}

export const walkStart: PlaceInWalk = { after: 0, upTo: null };

/** The next portion of a selection. What is enqueued while it is walked is not part of it. */
export function walk(tx: Tx, selection: Selection, place: PlaceInWalk): Walk {
  return 'ids' in selection ? walkIds(tx, selection.ids, place) : walkState(tx, selection.state, place);
}

function walkIds({ sql }: Tx, ids: readonly string[], { after }: PlaceInWalk): Walk {
  const find = sql('SELECT seq, id, state, order_key AS orderKey, bytes, attempts FROM $t WHERE id = ?');
  const some = ids.slice(after, after + portionRows);
  const chosen = some.flatMap((id) => (find.get(id) as unknown as Chosen | undefined) ?? []);
  const done = after + some.length;
  return { chosen, next: done < ids.length ? { after: done, upTo: null } : null };
}

function walkState({ sql }: Tx, state: RecordState, place: PlaceInWalk): Walk {
  const upTo = place.upTo ?? Number(sql('SELECT coalesce(max(seq), 0) AS last FROM $t').get()?.last);
  const find = sql('SELECT seq, id, state, order_key AS orderKey, bytes, attempts FROM $t WHERE seq = ?');
  const chosen = seqsInState(sql, { state, after: place.after, limit: portionRows })
    .filter((seq) => seq <= upTo)
    .map((seq) => find.get(seq) as unknown as Chosen);
  const last = chosen.at(-1);
  return { chosen, next: last && chosen.length === portionRows ? { after: last.seq, upTo } : null };
}

/** Gives quarantined, waiting or kept records a new start: ready now, no attempts; behind earlier records of their key. @returns how many */
export function replayRows(tx: Tx, chosen: readonly Chosen[]): number {
  const rows = chosen.filter(({ state }) => state === 'quarantined' || state === 'waiting' || state === 'kept');
  for (const { seq, state, orderKey, bytes } of rows) {
    if (orderKey !== null && state === 'quarantined') holdHead(tx, orderKey);
    const to = orderKey === null ? 'ready' : 'held';
    tx.sql(`UPDATE $t SET state = ?, attempts = 0, due_ms = 0, reason = iif(state = 'kept', NULL, reason)
      WHERE seq = ?`).run(to, seq);
    tx.totals.add(state, -1, -bytes);
    tx.totals.add(to, 1, bytes);
    if (orderKey !== null) releaseNext(tx, orderKey);
  }
  return rows.length;
}

export function quarantineChosen(
  tx: Tx,
  chosen: readonly Chosen[],
  { reason, limits }: { reason: string; limits: OutboxLimits },
): { records: number; dropped: Dropped[] } {
  const dropped: Dropped[] = [];
  let records = 0;
  for (const row of chosen) {
    const more = quarantineRow(tx, row, { attempts: row.attempts, reason, limits });
    if (more === null) continue;
    records++;
    dropped.push(...more);
  }
  return { records, dropped };
}

/** Kept records were delivered: nothing is noted of them. */
export function dropChosen(
  tx: Tx,
  chosen: readonly Chosen[],
  keptMax: number,
): { records: number; dropped: Dropped[] } {
  const dropped: Dropped[] = [];
  let forgotten = 0;
  for (const { seq, state } of chosen) {
    if (state === 'kept') forgotten += forgetKept(tx, seq);
    else dropped.push(...dropRows(tx, 'seq = ?', { values: [seq], reason: 'by_caller', keptMax }));
  }
  return { records: dropped.length + forgotten, dropped };
}
