/*
 * Records on their way out. A record is in one of four places, and only this file moves it between them:
 *
 *   store 'ready'  --take-->  flying  --attempt ended-->  ended  --one commit-->  gone | 'waiting' | 'quarantined' | 'ready'
 *
 * Flying and ended records are still 'ready' in the store, so a crash delivers them again. A record leaves `ended` only when
 * the commit that says so succeeded; while it cannot (full disk, lock) nothing new is taken.
 */
import type { Clock, Sql } from '@kanade/durable';
import { OutboxError } from '../core/error.ts';
import { droppedEvent, type Emit, type OutboxEvent } from '../core/event.ts';
import type { OutboxLimits } from '../core/limits.ts';
import {
  type LoadedRow,
  loadRow,
  quarantineRow,
  type RowKey,
  readySeqs,
  removeDelivered,
  retryLater,
} from '../rows/queue.ts';
import type { QueuedRecord } from '../rows/record.ts';
import type { Store } from '../rows/store.ts';
import type { Tx } from '../rows/totals.ts';
import { type Deliver, type Delivery, startDelivery } from './delivery.ts';
import { type AfterAttempt, afterAttempt } from './schedule.ts';
import type { Wakeup } from './wakeup.ts';

/** Records loaded and started, and endings committed, before the event loop gets a turn; fewer when their time is over. */
const turnRecords = 128;

/** An attempt that is over, and what is to become of its record. */
export interface Ended {
  readonly key: RowKey;
  readonly next: AfterAttempt;
}

export interface DrainContext {
  readonly store: Store;
  readonly limits: OutboxLimits;
  readonly clock: Clock;
  readonly random: () => number;
  readonly emit: Emit;
  readonly wakeup: Wakeup;
  /** Endings that no commit could take yet; what a drain leaves in it the next one begins with. */
  readonly unsettled: Ended[];
  /** Ends the drain from the outbox's side: it is being closed. */
  readonly closing: AbortSignal;
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
  /** Endings of one commit: one after a commit that failed, then more and more. */
  readonly pace: { records: number };
  /** Rows and order keys of both: nothing of these is taken. */
  readonly busy: { readonly seqs: Set<number>; readonly keys: Set<string> };
  readonly sum: { delivered: number; failed: number; quarantined: number; bytes: number };
}

export function createFlights(context: DrainContext, options: FlightOptions): Flights {
  const busy = { seqs: new Set<number>(), keys: new Set<string>() };
  const sum = { delivered: 0, failed: 0, quarantined: 0, bytes: 0 };
  // What an earlier drain could not commit: delivered already, so it is removed, not delivered again.
  const ended = context.unsettled;
  const flights = { context, options, flying: new Map(), ended, pace: { records: turnRecords }, busy, sum };
  for (const { key } of ended) remember(flights, key);
  return flights;
}

/** True when nothing is under way and every ending is committed. */
export function isGrounded({ busy }: Flights): boolean {
  return busy.seqs.size === 0;
}

/** Starts attempts until `concurrency` are under way, a bounded number per call. */
export async function take(flights: Flights, concurrency: number): Promise<void> {
  const { flying, busy, context } = flights;
  const free = Math.min(concurrency - flying.size, turnRecords);
  if (free <= 0) return;
  await context.store.read((sql) => {
    const launch = createLaunch(flights);
    const untilMs = performance.now() + context.store.durable.limits.commitBudgetMs;
    let launched = 0;
    for (const seq of readySeqs(sql, free + busy.seqs.size)) {
      if (launched === free || isHeavy(flights)) break;
      if (!busy.seqs.has(seq) && start(flights, { sql, seq, launch })) launched++;
      if (performance.now() > untilMs) break;
    }
    // There may be more than one turn's worth.
    if (launched > 0) context.wakeup.ring();
  });
}

/** Bodies under way fill memory: over the limit nothing more is loaded. */
function isHeavy({ sum, busy, context }: Flights): boolean {
  return busy.seqs.size > 0 && sum.bytes >= context.limits.inFlightBytesMax;
}

function start(
  flights: Flights,
  { sql, seq, launch }: { sql: Sql; seq: number; launch: (row: LoadedRow, record: QueuedRecord) => void },
): boolean {
  const { busy, ended, context } = flights;
  const row = loadRow(sql, seq);
  // A record that was replayed waits for a later one of its key that is under way already.
  if (row === null || (row.key.orderKey !== null && busy.keys.has(row.key.orderKey))) return false;
  remember(flights, row.key);
  if (row.record !== null) {
    launch(row, row.record);
    return true;
  }
  const next = {
    kind: 'quarantine',
    attempts: row.attempts,
    reason: 'stored bytes do not match their checksum',
  } as const;
  ended.push({ key: row.key, next });
  context.wakeup.ring();
  return true;
}

/** Attempts that start together share one timer for their deadline. */
function createLaunch(flights: Flights): (row: LoadedRow, record: QueuedRecord) => void {
  const { context, options, flying } = flights;
  const { clock, limits } = context;
  const together = new Map<number, { readonly id: string; readonly delivery: Delivery }>();
  const deadlineMs = clock.nowMs() + limits.deliverTimeoutMs;
  let cancelTimer: (() => void) | null = null;

  function expire(): void {
    for (const { id, delivery } of [...together.values()]) {
      const late = new OutboxError(
        'deliver_timeout',
        `Cannot deliver ${id}: no answer within ${limits.deliverTimeoutMs} ms`,
      );
      delivery.giveUp(late.message);
      delivery.abort(late);
    }
  }

  return ({ key, attempts }, record) => {
    const onEnd = (failure: string | null): void => {
      together.delete(key.seq);
      if (together.size === 0) cancelTimer?.();
      if (!flying.delete(key.seq)) return;
      const counts = !options.stop.aborted && options.isOnline();
      const attempt = { attempts, failure, counts, nowMs: clock.nowMs(), random: context.random() };
      flights.ended.push({ key, next: afterAttempt(attempt, limits) });
      context.wakeup.ring();
    };
    cancelTimer ??= clock.setTimer(expire, limits.deliverTimeoutMs);
    const delivery = startDelivery(record, { deliver: options.deliver, deadlineMs, onEnd });
    flying.set(key.seq, delivery);
    together.set(key.seq, { id: key.id, delivery });
  };
}

/** Commits what ended, a bounded number; false when that is not possible now. */
export async function settleEnded(flights: Flights): Promise<boolean> {
  const { ended, pace, sum, context } = flights;
  if (ended.length === 0) return true;
  // More may end while this waits for the database.
  const batch = ended.slice(0, pace.records);
  const done = await committed(context.emit, async () => {
    const { events, count } = await context.store.transact((tx) => settleWithin(tx, batch, context));
    for (const { key } of ended.splice(0, count)) forget(flights, key);
    if (ended.length > 0) context.wakeup.ring();
    const delivered = events.filter((event) => event.type === 'delivered').length;
    if (delivered > 0) context.emit({ type: 'delivered', records: delivered });
    for (const event of events) if (event.type !== 'delivered') context.emit(event);
    sum.delivered += delivered;
    sum.quarantined += events.filter((event) => event.type === 'quarantined').length;
    sum.failed += events.filter((event) => event.type === 'failed' || event.type === 'quarantined').length;
  });
  // What has no room as one commit may have it bit by bit.
  pace.records = done ? Math.min(pace.records * 2, turnRecords) : 1;
  return done;
}

/** Endings from the front, until the time of one commit is used up. */
function settleWithin(
  tx: Tx,
  batch: readonly Ended[],
  { store, limits }: DrainContext,
): { events: OutboxEvent[]; count: number } {
  const untilMs = performance.now() + store.durable.limits.commitBudgetMs;
  const events: OutboxEvent[] = [];
  let count = 0;
  for (const entry of batch) {
    events.push(...settleOne(tx, entry, limits));
    count++;
    if (performance.now() > untilMs) break;
  }
  return { events, count };
}

function remember({ busy, sum }: Flights, { seq, orderKey, bytes }: RowKey): void {
  busy.seqs.add(seq);
  if (orderKey !== null) busy.keys.add(orderKey);
  sum.bytes += bytes;
}

function forget({ busy, sum }: Flights, { seq, orderKey, bytes }: RowKey): void {
  busy.seqs.delete(seq);
  if (orderKey !== null) busy.keys.delete(orderKey);
  sum.bytes -= bytes;
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
    while (flights.ended.length > 0 && (await settleEnded(flights)));
  } finally {
    cancel();
  }
}

/** After a failure of the store nobody looks at these attempts any more; after a good end there are none. */
export function abandon({ flying }: Flights): void {
  const deliveries = [...flying.values()];
  // No longer under way, so their ends count for nothing.
  flying.clear();
  for (const delivery of deliveries) {
    delivery.abort(new OutboxError('closed', 'Cannot go on delivering: the drain failed'));
    delivery.giveUp('the drain failed');
  }
}

function settleOne(tx: Tx, { key, next }: Ended, limits: OutboxLimits): OutboxEvent[] {
  switch (next.kind) {
    case 'remove':
      return removeDelivered(tx, key) ? [{ type: 'delivered', records: 1 }] : [];
    case 'keep':
      return [];
    case 'retry': {
      const { attempts, dueMs, reason } = next;
      return retryLater(tx, key, next) ? [{ type: 'failed', id: key.id, attempts, retryAtMs: dueMs, reason }] : [];
    }
    case 'quarantine': {
      const dropped = quarantineRow(tx, key, { ...next, limits });
      if (dropped === null) return [];
      const { attempts, reason } = next;
      return [{ type: 'quarantined', id: key.id, attempts, reason }, ...dropped.map(droppedEvent)];
    }
  }
}
