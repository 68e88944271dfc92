import { asOurs } from '../core/error.ts';
import { droppedEvent } from '../core/event.ts';
import { dropExpired, sweptRows } from '../rows/drops.ts';
import { clampDue, needsSweep, nextDueMs, promote } from '../rows/due.ts';
import type { Deliver } from './delivery.ts';
import {
  abandon,
  committed,
  createFlights,
  type DrainContext,
  isGrounded,
  land,
  settleEnded,
  take,
} from './flights.ts';
import { idleMs } from './schedule.ts';

export interface DrainOptions {
  readonly deliver: Deliver;
  /** Ends the drain: attempts under way are aborted, given a moment, and count for nothing unless they succeeded. */
  readonly signal?: AbortSignal;
  /** Deliveries at the same time, 1 to 1024. @defaultValue 8 */
  readonly concurrency?: number;
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

/** Delivers until told to stop. Failures of deliveries are data; rejects when the store cannot be used, or with what `isOnline` threw. */
export async function drain(context: DrainContext, options: DrainOptions): Promise<DrainReport> {
  const { store, limits, clock, wakeup } = context;
  const concurrency = options.concurrency ?? 8;
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > concurrencyMax) {
    throw new RangeError(`Cannot drain with concurrency: ${concurrency}, give 1 to ${concurrencyMax}`);
  }
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
  try {
    while (!stop.aborted) {
      const nowMs = clock.nowMs();
      // At the start, and when the clock went back, due times may lie where no back-off would have put them.
      const clamp = nowMs < lastMs;
      const healthy = (await settleEnded(flights)) && (await sweep(context, { nowMs, clamp }));
      if (healthy) lastMs = nowMs;
      if (healthy && isOnline()) await take(flights, concurrency);
      if (healthy && isGrounded(flights)) await giveBack(context, stop);
      if (options.until === 'idle' && isGrounded(flights)) break;
      await wakeup.sleep(healthy ? idleMs(nowMs, await store.read(nextDueMs), limits.pollMs) : limits.pollMs);
      // Attempts that end in the same turn share one commit.
      await new Promise((resolve) => setImmediate(resolve));
    }
    await land(flights);
    if (broken.signal.aborted) throw broken.signal.reason;
    const { delivered, failed, quarantined } = flights.sum;
    return { delivered, failed, quarantined };
  } finally {
    stop.removeEventListener('abort', wakeup.ring);
    abandon(flights);
  }
}

/** Moves on what time alone moves: waiting records that are due, expired ones. False when that cannot be committed now. */
async function sweep(context: DrainContext, { nowMs, clamp }: { nowMs: number; clamp: boolean }): Promise<boolean> {
  const { store, limits, emit, wakeup } = context;
  for (let clamped = clamp ? sweptRows : 0; clamped === sweptRows; ) {
    const done = await committed(emit, async () => {
      clamped = await store.transact((tx) => clampDue(tx, nowMs + limits.backoffMaxMs));
    });
    if (!done) return false;
  }
  if (!(await store.read((sql) => needsSweep(sql, nowMs)))) return true;
  const swept = await committed(emit, async () => {
    const dropped = await store.transact((tx) => {
      promote(tx);
      return dropExpired(tx, limits.dropsKeptMax);
    });
    for (const record of dropped) emit(droppedEvent(record));
  });
  // One step is bounded: what it left comes in the next turn.
  if (swept && (await store.read((sql) => needsSweep(sql, nowMs)))) wakeup.ring();
  return swept;
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
