import { OutboxError, type OutboxErrorCode } from '../core/error.ts';
import { droppedEvent, type Emit, type OutboxEvent } from '../core/event.ts';
import type { OutboxLimits } from '../core/limits.ts';
import { dropExpired, sweptRows } from '../rows/drops.ts';
import {
  clampDue,
  type Due,
  promote,
  quarantineRow,
  readDue,
  retryLater,
  settleDelivered,
  trimKept,
} from '../rows/queue.ts';
import { asOurs, type Tx } from '../rows/store.ts';
import type { Concurrency, Deliver } from './deliver.ts';
import {
  abandon,
  createFlights,
  type Ended,
  type FlightContext,
  type Flights,
  forget,
  isGrounded,
  take,
  turnRecords,
} from './flights.ts';

export interface DrainOptions {
  readonly deliver: Deliver;
  /** Ends the drain: attempts under way are aborted, given a moment, and count for nothing unless they succeeded. */
  readonly signal?: AbortSignal;
  /** Deliveries at the same time, 1 to 1024. @defaultValue 8 */
  readonly concurrency?: number;
  /** Of these, records with a priority below 0, so that what takes long leaves room for the rest. @defaultValue `concurrency` */
  readonly lowConcurrency?: number;
  /**
   * False means: attempt nothing, count nothing. Call `wake()` when it turns true. What it throws ends the drain as its signal
   * would, and then rejects it. @defaultValue always true
   */
  readonly isOnline?: () => boolean;
  /** `'stopped'`: until the signal. `'idle'`: until nothing is ready (or we are offline); backed-off records stay. @defaultValue 'stopped' */
  readonly until?: 'stopped' | 'idle';
}

export interface DrainReport {
  readonly delivered: number;
  /** Attempts that counted as failed. */
  readonly failed: number;
  readonly quarantined: number;
}

const concurrencyMax = 1024;

export interface DrainContext extends FlightContext {
  readonly emit: Emit;
  readonly wakeup: Wakeup;
  /** Ends the drain from the outbox's side: it is being closed. */
  readonly closing: AbortSignal;
}

/** Delivers until told to stop. Failures of deliveries are data; rejects when the store cannot be used, or with what `isOnline` threw. */
export async function drain(context: DrainContext, options: DrainOptions): Promise<DrainReport> {
  const { limits, clock, wakeup } = context;
  const concurrency = concurrencyOf(options);
  const broken = new AbortController();
  const isOnline = () => {
    try {
      return options.isOnline?.() ?? true;
    } catch (error) {
      broken.abort(error);
      return false;
    }
  };
  const stop = AbortSignal.any([broken.signal, context.closing, ...(options.signal ? [options.signal] : [])]);
  const flights = createFlights(context, { deliver: options.deliver, isOnline, stop });
  stop.addEventListener('abort', wakeup.ring, { once: true });
  let lastMs = Number.POSITIVE_INFINITY;
  const removal: Removal = { dueMs: null };
  try {
    while (!stop.aborted) {
      const nowMs = clock.nowMs();
      // At the start, and when the clock went back, due times may lie where no back-off would have put them.
      const clamp = nowMs < lastMs;
      const waitMs = options.until === 'idle' ? 0 : removalWaitMs(flights, removal, nowMs);
      const due = waitMs > 0 || (await settleEnded(context, flights)) ? await sweep(context, { nowMs, clamp }) : null;
      if (due !== null) lastMs = nowMs;
      if (due !== null && isOnline()) await take(flights, concurrency);
      if (due !== null && isGrounded(flights)) await giveBack(context, stop);
      if (options.until === 'idle' && isGrounded(flights)) break;
      const pollMs = waitMs > 0 ? Math.min(waitMs, limits.pollMs) : limits.pollMs;
      await wakeup.sleep(due === null ? Math.min(pollMs, stalledMs) : idleMs(nowMs, due.nextMs, pollMs));
      // Attempts that end in the same turn share one commit.
      await new Promise((resolve) => setImmediate(resolve));
    }
    await land(context, flights);
    if (broken.signal.aborted) throw broken.signal.reason;
    const { delivered, failed, quarantined } = flights.sum;
    return { delivered, failed, quarantined };
  } finally {
    stop.removeEventListener('abort', wakeup.ring);
    abandon(flights);
  }
}

function concurrencyOf({ concurrency = 8, lowConcurrency = concurrency }: DrainOptions): Concurrency {
  for (const [name, value] of Object.entries({ concurrency, lowConcurrency })) {
    if (!Number.isInteger(value) || value < 1 || value > concurrencyMax) {
      throw new RangeError(`Cannot drain with ${name}: ${value}, give 1 to ${concurrencyMax}`);
    }
  }
  return { all: concurrency, low: lowConcurrency };
}

/** Wait before a commit that was not possible is tried again, in ms. */
const stalledMs = 1_000;

/** When those that were delivered are removed at the latest, milliseconds since 1970; null while there are none that wait. */
interface Removal {
  dueMs: number | null;
}

/** How long what was delivered may still wait for others, in ms; 0 where an attempt has ended in another way, or they fill a commit. */
function removalWaitMs({ ended, pace, sum, context }: Flights, removal: Removal, nowMs: number): number {
  const { removeWaitMs, inFlightBytesMax } = context.limits;
  // After a commit that failed nothing new is taken before the next one has come through.
  const isUrgent = ended.length >= turnRecords || sum.bytes >= inFlightBytesMax || pace.records < turnRecords;
  const mayWait = ({ key, next }: Ended): boolean => next.kind === 'remove' && key.orderKey === null;
  if (removeWaitMs === 0 || ended.length === 0 || isUrgent || !ended.every(mayWait)) {
    removal.dueMs = null;
    return 0;
  }
  removal.dueMs ??= nowMs + removeWaitMs;
  // A clock that is set back must not make it wait for long.
  const leftMs = Math.min(removal.dueMs - nowMs, removeWaitMs);
  if (leftMs <= 0) removal.dueMs = null;
  return Math.max(0, leftMs);
}

/** How long an idle drainer sleeps: until the next record is due, at most one poll interval. */
export function idleMs(nowMs: number, nextDueMs: number | null, pollMs: number): number {
  if (nextDueMs === null) return pollMs;
  return Math.min(Math.max(1, nextDueMs - nowMs), pollMs);
}

/** Moves on what time alone moves: waiting records that are due, expired ones. Null when that cannot be committed now. */
async function sweep(context: DrainContext, { nowMs, clamp }: { nowMs: number; clamp: boolean }): Promise<Due | null> {
  const { store, limits, emit, wakeup } = context;
  for (let clamped = clamp ? sweptRows : 0; clamped === sweptRows; ) {
    const done = await committed(emit, async () => {
      clamped = await store.transact((tx) => clampDue(tx, nowMs + limits.backoffMaxMs));
    });
    if (!done) return null;
  }
  const due = await store.read((sql) => readDue(sql, nowMs));
  if (!due.isSwept) return due;
  const swept = await committed(emit, async () => {
    const dropped = await store.transact((tx) => {
      promote(tx);
      return dropExpired(tx, limits.dropsKeptMax);
    });
    for (const record of dropped) emit(droppedEvent(record));
  });
  if (!swept) return null;
  // One step is bounded: what it left comes in the next turn.
  const left = await store.read((sql) => readDue(sql, nowMs));
  if (left.isSwept) wakeup.ring();
  return left;
}

/** While nothing else is to be done: gives free space back to the disk, step by step, until there is none or work comes. */
async function giveBack({ store, emit, wakeup }: DrainContext, stop: AbortSignal): Promise<void> {
  let more = true;
  while (more && !stop.aborted && !wakeup.isRung()) {
    const done = await committed(emit, async () => {
      more = await asOurs(store.durable.reclaim);
    });
    if (!done) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Commits what ended, a bounded number; false when that is not possible now. */
async function settleEnded(context: DrainContext, flights: Flights): Promise<boolean> {
  const { ended, pace, sum } = flights;
  if (ended.length === 0) return true;
  // More may end while this waits for the database.
  const batch = ended.slice(0, pace.records);
  const done = await committed(
    context.emit,
    async () => {
      const { delivered, events, count } = await context.store.transact((tx) =>
        settleWithin(tx, batch, { ...context, keeps: pace.hasRoom }),
      );
      for (const { key } of ended.splice(0, count)) forget(flights, key);
      if (ended.length > 0) context.wakeup.ring();
      if (delivered > 0) context.emit({ type: 'delivered', records: delivered });
      for (const event of events) context.emit(event);
      sum.delivered += delivered;
      sum.quarantined += events.filter((event) => event.type === 'quarantined').length;
      sum.failed += events.filter((event) => event.type === 'failed' || event.type === 'quarantined').length;
    },
    (code) => {
      // What was delivered is the first that a full disk can do without.
      if (code === 'disk_full') pace.hasRoom = false;
    },
  );
  // What has no room as one commit may have it bit by bit.
  pace.records = done ? Math.min(pace.records * 2, turnRecords) : 1;
  if (pace.records === turnRecords) pace.hasRoom = true;
  return done;
}

/** Endings from the front, until the time of one commit is used up. */
function settleWithin(
  tx: Tx,
  batch: readonly Ended[],
  { store, limits, keeps }: DrainContext & { readonly keeps: boolean },
): { delivered: number; events: OutboxEvent[]; count: number } {
  const untilMs = performance.now() + store.durable.limits.commitBudgetMs;
  const events: OutboxEvent[] = [];
  let [delivered, count] = [0, 0];
  for (const { key, next } of batch) {
    if (next.kind !== 'remove') events.push(...settleFailed(tx, { key, next }, limits));
    else if (settleDelivered(tx, key, keeps ? next.receipt : null)) delivered++;
    count++;
    if (performance.now() > untilMs) break;
  }
  trimKept(tx, keeps ? { recordsMax: limits.keptRecordsMax, bytesMax: limits.keptBytesMax } : nothing);
  return { delivered, events, count };
}

/** What is kept on a full disk. */
const nothing = { recordsMax: 0, bytesMax: 0 };

function settleFailed(
  tx: Tx,
  { key, next }: { key: Ended['key']; next: Exclude<Ended['next'], { kind: 'remove' }> },
  limits: OutboxLimits,
): OutboxEvent[] {
  switch (next.kind) {
    case 'keep':
      return [];
    case 'later':
      retryLater(tx, key, next);
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

/** True when `commit` came through, false when it has to wait for room on the disk or for a lock. */
async function committed(
  emit: Emit,
  commit: () => Promise<void>,
  onStalled?: (code: OutboxErrorCode) => void,
): Promise<boolean> {
  try {
    await commit();
    return true;
  } catch (error) {
    if (!(error instanceof OutboxError) || (error.code !== 'disk_full' && error.code !== 'busy')) throw error;
    onStalled?.(error.code);
    emit({ type: 'stalled', error });
    return false;
  }
}

/** After a stop: waits for what is under way, within its grace, and commits it. */
async function land(context: DrainContext, flights: Flights): Promise<void> {
  const { flying, options } = flights;
  for (const delivery of flying.values()) delivery.abort(options.stop.reason);
  const cancel = context.clock.setTimer(() => {
    for (const delivery of flying.values()) delivery.giveUp('the drain stopped');
  }, context.limits.stopGraceMs);
  try {
    while (flying.size > 0) await context.wakeup.sleep(context.limits.pollMs);
    while (flights.ended.length > 0 && (await settleEnded(context, flights)));
  } finally {
    cancel();
  }
}

/** A bell with a memory: a ring while nobody sleeps makes the next sleep end at once. One sleeper. */
export interface Wakeup {
  ring(): void;
  /** Whether the next sleep would end at once. */
  isRung(): boolean;
  /** Resolves at the next ring, or after `timeoutMs`. */
  sleep(timeoutMs: number): Promise<void>;
}
