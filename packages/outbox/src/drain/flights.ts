/*
 * Records on their way out. A record is in one of four places, and only this file moves it between them:
 *
 *   store 'ready'  --take-->  flying  --attempt ended-->  ended  --one commit-->  gone | 'waiting' | 'quarantined' | 'ready'
 *
 * Flying and ended records are still 'ready' in the store, so a crash delivers them again. A record leaves `ended` only when
 * the commit that says so succeeded; while it cannot (full disk, lock) nothing new is taken.
 */
import { OutboxError } from '../outbox/error.ts';
import type { Emit, OutboxEvent } from '../outbox/event.ts';
import type { OutboxLimits } from '../outbox/limits.ts';
import { loadRecord, quarantine, type RowKey, readyRows, removeDelivered, retryLater } from '../store/records.ts';
import type { Sql } from '../store/statements.ts';
import { type Deliver, type Delivery, startDelivery } from './delivery.ts';
import type { DrainContext } from './drain.ts';
import { type AfterAttempt, afterAttempt } from './schedule.ts';

interface Ended {
  readonly key: RowKey;
  readonly next: AfterAttempt;
}

interface FlightOptions {
  readonly deliver: Deliver;
  readonly isOnline: () => boolean;
  readonly stop: AbortSignal;
}

/** The attempts under way, those whose ending is not committed yet, and what came of the others. */
export interface Flights {
  readonly context: DrainContext;
  readonly options: FlightOptions;
  readonly flying: Map<number, Delivery>;
  readonly ended: Ended[];
  readonly sum: { delivered: number; failed: number; quarantined: number };
}

export function createFlights(context: DrainContext, options: FlightOptions): Flights {
  return { context, options, flying: new Map(), ended: [], sum: { delivered: 0, failed: 0, quarantined: 0 } };
}

/** True when nothing is under way and every ending is committed. */
export function isGrounded({ flying, ended }: Flights): boolean {
  return flying.size === 0 && ended.length === 0;
}

/** Starts attempts until `concurrency` are under way. */
export async function take(flights: Flights, concurrency: number): Promise<void> {
  const { flying, ended, context } = flights;
  const free = concurrency - flying.size;
  if (free <= 0) return;
  await context.store.read((sql) => {
    const busy = new Set([...flying.keys(), ...ended.map((entry) => entry.key.seq)]);
    const rows = readyRows(sql, free + busy.size).filter((key) => !busy.has(key.seq));
    for (const key of rows.slice(0, free)) launch(flights, key, loadRecord(sql, key));
  });
}

function launch(flights: Flights, key: RowKey, record: ReturnType<typeof loadRecord>): void {
  const { clock, limits, wakeup } = flights.context;
  if (record === null) return;
  if (record === 'damaged') {
    const next = { kind: 'quarantine', attempts: 0, reason: 'stored bytes do not match their checksum' } as const;
    flights.ended.push({ key, next });
    wakeup.ring();
    return;
  }
  const { deliver } = flights.options;
  const delivery = startDelivery(record, { deliver, clock, timeoutMs: limits.deliverTimeoutMs });
  flights.flying.set(key.seq, delivery);
  void follow(flights, { key, attempts: record.attempts, delivery });
}

async function follow(
  flights: Flights,
  { key, attempts, delivery }: { key: RowKey; attempts: number; delivery: Delivery },
): Promise<void> {
  const { context, options } = flights;
  const failure = await delivery.ended;
  const counts = !options.stop.aborted && options.isOnline();
  const attempt = { attempts, failure, counts, nowMs: context.clock.nowMs(), random: context.random() };
  flights.flying.delete(key.seq);
  flights.ended.push({ key, next: afterAttempt(attempt, context.limits) });
  context.wakeup.ring();
}

/** Commits what ended; false when that is not possible now. */
export function settle({ ended, sum, context }: Flights): Promise<boolean> {
  if (ended.length === 0) return Promise.resolve(true);
  // More may end while this waits for the database.
  const batch = [...ended];
  return committed(context.emit, async () => {
    const events = await context.store.transact((sql) =>
      batch.flatMap((entry) => settleOne(sql, entry, context.limits)),
    );
    ended.splice(0, batch.length);
    const delivered = events.filter((event) => event.type === 'delivered').length;
    if (delivered > 0) context.emit({ type: 'delivered', records: delivered });
    for (const event of events) if (event.type !== 'delivered') context.emit(event);
    sum.delivered += delivered;
    sum.quarantined += events.filter((event) => event.type === 'quarantined').length;
    sum.failed += events.filter((event) => event.type === 'failed' || event.type === 'quarantined').length;
  });
}

/** True when `commit` came through, false when it has to wait for room on the disk or for a lock. */
export async function committed(emit: Emit, commit: () => Promise<void>): Promise<boolean> {
  try {
    await commit();
    return true;
  } catch (error) {
    if (!(error instanceof OutboxError) || (error.code !== 'disk_full' && error.code !== 'busy')) throw error;
    emit({ type: 'stalled', error });
    return false;
  }
}

/** After a stop: waits for what is under way, within its grace, and commits it. */
export async function land(flights: Flights): Promise<void> {
  const { flying, options, context } = flights;
  for (const delivery of flying.values()) delivery.abort(options.stop.reason);
  const cancel = context.clock.setTimer(() => {
    for (const delivery of flying.values()) delivery.giveUp('the drain stopped');
  }, context.limits.stopGraceMs);
  try {
    while (flying.size > 0) await context.wakeup.sleep(context.limits.pollMs);
    await settle(flights);
  } finally {
    cancel();
  }
}

/** After a failure of the store nobody looks at these attempts any more; after a good end there are none. */
export function abandon({ flying }: Flights): void {
  for (const delivery of flying.values()) {
    delivery.abort(new OutboxError('closed', 'Cannot go on delivering: the drain failed'));
    delivery.giveUp('the drain failed');
  }
}

function settleOne(sql: Sql, { key, next }: Ended, limits: OutboxLimits): OutboxEvent[] {
  switch (next.kind) {
    case 'remove':
      return removeDelivered(sql, key) ? [{ type: 'delivered', records: 1 }] : [];
    case 'keep':
      return [];
    case 'retry': {
      const { attempts, dueMs, reason } = next;
      return retryLater(sql, key, next) ? [{ type: 'failed', id: key.id, attempts, retryAtMs: dueMs, reason }] : [];
    }
    case 'quarantine': {
      const dropped = quarantine(sql, key, { ...next, limits });
      if (dropped === null) return [];
      const { attempts, reason } = next;
      return [
        { type: 'quarantined', id: key.id, attempts, reason },
        ...dropped.map((entry) => ({ type: 'dropped', ...entry }) as const),
      ];
    }
  }
}
