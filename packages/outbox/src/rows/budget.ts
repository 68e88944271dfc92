import { OutboxError } from '../core/error.ts';
import type { OutboxLimits } from '../core/limits.ts';
import { type Dropped, dropExpired, dropRows } from './drops.ts';
import type { EncodedRecord } from './record.ts';
import { type Exceeded, exceededBy, queuedStates, type Tx } from './store.ts';
import { lowestPriority } from './walk-state.ts';

/** Makes room by the policy. Live records are dropped only if that is enough. @returns what had to go */
export function makeRoom(tx: Tx, record: EncodedRecord, limits: OutboxLimits): Dropped[] | RefusedRecord {
  const dropped: Dropped[] = [];
  if (record.bytes <= limits.bytesMax && limits.whenFull !== 'refuse') {
    for (let step = null; exceededBy(tx, record.bytes, limits) && step !== 0; ) {
      const expired = dropExpired(tx, limits.dropsKeptMax);
      step = expired.length;
      dropped.push(...expired);
    }
  }
  const exceeded = exceededBy(tx, record.bytes, limits);
  if (!exceeded) return dropped;
  const victims = limits.whenFull === 'drop-oldest-of-priority' ? chooseVictims(tx, record, limits) : null;
  if (!victims) return overBudget(record.id, exceeded, dropped);
  for (const seq of victims) {
    dropped.push(...dropRows(tx, 'seq = ?', { values: [seq], reason: 'over_budget', keptMax: limits.dropsKeptMax }));
  }
  return dropped;
}

/** The oldest records of the lowest priorities, up to the new record's own, that make enough room; null when they do not. */
function chooseVictims(tx: Tx, record: EncodedRecord, limits: OutboxLimits): number[] | null {
  const queued = tx.totals.queued();
  let records = queued.records + 1 - limits.recordsMax;
  let bytes = queued.bytes + record.bytes - limits.bytesMax;
  const victims: number[] = [];
  for (const row of cheapestFirst(tx, record.priority)) {
    victims.push(row.seq);
    records -= 1;
    bytes -= row.bytes;
    if (records <= 0 && bytes <= 0) return victims;
  }
  return null;
}

/** Queued rows by priority from the lowest, the oldest first within it. */
function* cheapestFirst(tx: Tx, priorityMax: number): Generator<{ seq: number; bytes: number }> {
  for (let priority = nextPriority(tx, null); priority !== null && priority <= priorityMax; ) {
    for (let after = 0; ; ) {
      const rows = queuedStates
        .flatMap((state) =>
          tx
            .sql('SELECT seq, bytes FROM $t WHERE state = ? AND priority = ? AND seq > ? ORDER BY seq LIMIT 16')
            .all(state, priority as number, after),
        )
        .map((row) => ({ seq: row.seq as number, bytes: row.bytes as number }))
        .sort((a, b) => a.seq - b.seq)
        .slice(0, 16);
      yield* rows;
      const last = rows.at(-1);
      if (!last) break;
      after = last.seq;
    }
    priority = nextPriority(tx, priority);
  }
}

/** The lowest priority above `below` that is queued. */
function nextPriority({ sql }: Tx, below: number | null): number | null {
  const found = queuedStates.flatMap((state) => lowestPriority(sql, state, below) ?? []);
  return found.length === 0 ? null : Math.min(...found);
}

/** A refusal, as a value: what expired is gone all the same. */
export interface RefusedRecord {
  readonly kind: 'refused';
  readonly error: OutboxError;
  readonly dropped: readonly Dropped[];
}

function overBudget(id: string, { limit, maximum, actual }: Exceeded, dropped: readonly Dropped[]): RefusedRecord {
  const message = `Cannot enqueue ${id}: the outbox would hold ${actual}, ${limit} is ${maximum}; drain it or raise the limit`;
  const error = new OutboxError('over_budget', message, { exceeded: { limit, maximum, actual } });
  return { kind: 'refused', error, dropped };
}
