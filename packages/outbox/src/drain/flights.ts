/*
 * Records on their way out. A record is in one of four places, and only this file and `drain.ts`, which commits, move it between them:
 *
 *   store 'ready'  --take-->  flying  --attempt ended-->  ended  --one commit-->  gone | 'kept' | 'waiting' | 'quarantined' | 'ready'
 *
 * Flying and ended records are still 'ready' in the store, so a crash delivers them again. A record leaves `ended` only when
 * the commit that says so succeeded; while it cannot (full disk, lock) nothing new is taken.
 */
import type { Clock, Sql } from '@kanade/durable';
import { OutboxError } from '../core/error.ts';
import type { OutboxLimits } from '../core/limits.ts';
import { failureReason } from '../core/reason.ts';
import { type LoadedRow, loadRow, type RowKey, readyRows } from '../rows/queue.ts';
import type { QueuedRecord } from '../rows/record.ts';
import type { Store } from '../rows/store.ts';
import type { Concurrency, Deliver, DeliverContext } from './deliver.ts';

/** Records loaded and started, and endings committed, before the event loop gets a turn; fewer when their time is over. */
export const turnRecords = 128;

/** An attempt that is over, and what is to become of its record. */
export interface Ended {
  readonly key: RowKey;
  readonly next: AfterAttempt;
}

/** What a flight needs of its outbox. */
export interface FlightContext {
  readonly store: Store;
  readonly limits: OutboxLimits;
  readonly clock: Clock;
  readonly random: () => number;
  /** Wakes the drainer: there is something to settle, or room to take more. */
  readonly wakeup: { ring(): void };
  /** Endings that no commit could take yet; what a drain leaves in it the next one begins with. */
  readonly unsettled: Ended[];
}

interface FlightOptions {
  readonly deliver: Deliver;
  readonly isOnline: () => boolean;
  readonly stop: AbortSignal;
}

/** The attempts under way, those whose ending is not committed yet, and what came of the others. */
export interface Flights {
  readonly context: FlightContext;
  readonly options: FlightOptions;
  readonly flying: Map<number, Delivery>;
  readonly ended: Ended[];
  /** Endings of one commit: one after a commit that failed, then more and more. With no room on the disk nothing is kept. */
  readonly pace: { records: number; hasRoom: boolean };
  /** Rows and order keys of both: nothing of these is taken. */
  readonly busy: { readonly seqs: Set<number>; readonly keys: Set<string> };
  readonly sum: { delivered: number; failed: number; quarantined: number; bytes: number };
}

export function createFlights(context: FlightContext, options: FlightOptions): Flights {
  const busy = { seqs: new Set<number>(), keys: new Set<string>() };
  const sum = { delivered: 0, failed: 0, quarantined: 0, bytes: 0 };
  // What an earlier drain could not commit: delivered already, so it is removed, not delivered again.
  const ended = context.unsettled;
  const flights = {
    context,
    options,
    flying: new Map(),
    ended,
    pace: { records: turnRecords, hasRoom: true },
    busy,
    sum,
  };
  for (const { key } of ended) remember(flights, key);
  return flights;
}

/** True when nothing is under way and every ending is committed. */
export function isGrounded({ busy }: Flights): boolean {
  return busy.seqs.size === 0;
}

/** Starts attempts until `concurrency` are under way, a bounded number per call. */
export async function take(flights: Flights, concurrency: Concurrency): Promise<void> {
  const { flying, busy, context } = flights;
  const free = Math.min(concurrency.all - flying.size, turnRecords);
  if (free <= 0) return;
  await context.store.read((sql) => {
    const launch = createLaunch(flights);
    const untilMs = performance.now() + context.store.durable.limits.commitBudgetMs;
    let [launched, isLate] = [0, false];
    for (const { seq, priority } of readyRows(sql, free + busy.seqs.size)) {
      if (launched === free || isHeavy(flights) || isLate) break;
      // The highest come first: from here on all are low.
      if (priority < 0 && lowFlying(flights) >= concurrency.low) break;
      if (!busy.seqs.has(seq) && start(flights, { sql, seq, launch })) launched++;
      isLate = performance.now() > untilMs;
    }
    // There may be more than one turn's worth.
    if (isLate || launched === turnRecords) context.wakeup.ring();
  });
}

const lowFlying = ({ flying }: Flights): number =>
  [...flying.values()].reduce((count, { isLow }) => count + (isLow ? 1 : 0), 0);

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
    const onEnd = (end: AttemptEnd): void => {
      together.delete(key.seq);
      if (together.size === 0) cancelTimer?.();
      if (!flying.delete(key.seq)) return;
      const counts = !options.stop.aborted && options.isOnline();
      const attempt = { ...end, attempts, counts, nowMs: clock.nowMs(), random: context.random() };
      flights.ended.push({ key, next: afterAttempt(attempt, limits) });
      context.wakeup.ring();
    };
    cancelTimer ??= clock.setTimer(expire, limits.deliverTimeoutMs);
    const delivery = startDelivery(record, { deliver: options.deliver, deadlineMs, onEnd });
    flying.set(key.seq, delivery);
    together.set(key.seq, { id: key.id, delivery });
  };
}

function remember({ busy, sum }: Flights, { seq, orderKey, bytes }: RowKey): void {
  busy.seqs.add(seq);
  if (orderKey !== null) busy.keys.add(orderKey);
  sum.bytes += bytes;
}

/** Its ending is committed. */
export function forget({ busy, sum }: Flights, { seq, orderKey, bytes }: RowKey): void {
  busy.seqs.delete(seq);
  if (orderKey !== null) busy.keys.delete(orderKey);
  sum.bytes -= bytes;
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

/** One attempt under way. */
interface Delivery {
  /** Of a record with a priority below 0. */
  readonly isLow: boolean;
  /** Asks `deliver` to stop. */
  abort(reason: unknown): void;
  /** Ends the attempt even if `deliver` does not come back. */
  giveUp(reason: string): void;
}

/** What became of an attempt: `failure` is null when `deliver` resolved; with `isNotNow` the other side had no room for this one. */
interface AttemptEnd {
  readonly failure: string | null;
  readonly receipt?: string | undefined;
  readonly isNotNow?: boolean;
}

/** Starts an attempt. `onEnd` is called once, later than this call. */
function startDelivery(
  record: QueuedRecord,
  { deliver, deadlineMs, onEnd }: { deliver: Deliver; deadlineMs: number; onEnd: (end: AttemptEnd) => void },
): Delivery {
  let controller: AbortController | null = null;
  let aborted: { readonly reason: unknown } | null = null;
  let ended = false;
  const end = (how: AttemptEnd): void => {
    if (ended) return;
    ended = true;
    onEnd(how);
  };
  const context: DeliverContext = {
    deadlineMs,
    // Made when it is asked for: most attempts end before anybody looks, and making one costs more than the rest.
    get signal() {
      controller ??= new AbortController();
      if (aborted) controller.abort(aborted.reason);
      return controller.signal;
    },
  };
  attempt(deliver, record, context).then(
    (receipt) => end({ failure: null, receipt: typeof receipt === 'string' ? receipt : undefined }),
    (error: unknown) =>
      end({ failure: failureReason(error), isNotNow: error instanceof OutboxError && error.code === 'not_now' }),
  );
  return {
    isLow: record.priority < 0,
    abort(reason) {
      aborted ??= { reason };
      controller?.abort(aborted.reason);
    },
    giveUp: (failure) => end({ failure }),
  };
}

/** A deliver that throws at once is a failed attempt too. */
const attempt = async (deliver: Deliver, record: QueuedRecord, context: DeliverContext): Promise<unknown> =>
  deliver(record, context);

type BackoffLimits = Pick<OutboxLimits, 'attemptsMax' | 'backoffFirstMs' | 'backoffMaxMs'>;

/** Part of a wait that chance decides, so that a thousand machines do not come back in the same second. */
const jitterShare = 0.4;

/** The wait after the n-th failed attempt: the first wait doubled n-1 times, +-20 %, never over the maximum. `random` is in [0, 1). */
export function backoffMs(attempts: number, random: number, limits: BackoffLimits): number {
  const doubled = limits.backoffFirstMs * 2 ** Math.min(attempts - 1, 40);
  const jittered = Math.min(doubled, limits.backoffMaxMs) * (1 - jitterShare / 2 + jitterShare * random);
  return Math.max(1, Math.min(Math.round(jittered), limits.backoffMaxMs));
}

/** A record without room waits as long as after so many failed attempts, however often that was. */
const notNowBackoff = 3;

type AfterAttempt =
  | { readonly kind: 'remove'; readonly receipt: string | null }
  /** Nothing counts: the line was down, or we were told to stop. */
  | { readonly kind: 'keep' }
  | { readonly kind: 'retry' | 'later'; readonly attempts: number; readonly dueMs: number; readonly reason: string }
  | { readonly kind: 'quarantine'; readonly attempts: number; readonly reason: string };

interface Attempt extends AttemptEnd {
  /** Failed attempts before this one. */
  readonly attempts: number;
  /** Whether the line was up, and nobody had asked us to stop, when the attempt ended. */
  readonly counts: boolean;
  readonly nowMs: number;
  readonly random: number;
}

/** What becomes of a record after one attempt. */
export function afterAttempt(attempt: Attempt, limits: BackoffLimits): AfterAttempt {
  if (attempt.failure === null) return { kind: 'remove', receipt: attempt.receipt ?? null };
  if (!attempt.counts) return { kind: 'keep' };
  const reason = attempt.failure;
  if (attempt.isNotNow) {
    const dueMs = attempt.nowMs + backoffMs(notNowBackoff, attempt.random, limits);
    return { kind: 'later', attempts: attempt.attempts, dueMs, reason };
  }
  const attempts = attempt.attempts + 1;
  if (attempts >= limits.attemptsMax) return { kind: 'quarantine', attempts, reason };
  return { kind: 'retry', attempts, dueMs: attempt.nowMs + backoffMs(attempts, attempt.random, limits), reason };
}
