import type { Clock } from '../outbox/clock.ts';
import { OutboxError } from '../outbox/error.ts';
import type { QueuedRecord } from '../store/records.ts';

export interface DeliverContext {
  /** Aborted when the attempt's time is over or the drain stops. */
  readonly signal: AbortSignal;
  /** When the attempt's time is over, milliseconds since 1970. */
  readonly deadlineMs: number;
}

/** Resolves when the other side has the record for good; anything it rejects with is a failed attempt. */
export type Deliver = (record: QueuedRecord, context: DeliverContext) => Promise<void>;

/** One attempt under way. */
export interface Delivery {
  /** Null for success, else what went wrong. Never rejects. */
  readonly ended: Promise<string | null>;
  /** Asks `deliver` to stop. */
  abort(reason: unknown): void;
  /** Ends the attempt even if `deliver` does not come back. */
  giveUp(reason: string): void;
}

/** Starts an attempt with a deadline. A `deliver` that ignores its signal loses its slot only for `timeoutMs`. */
export function startDelivery(
  record: QueuedRecord,
  { deliver, clock, timeoutMs }: { deliver: Deliver; clock: Clock; timeoutMs: number },
): Delivery {
  const controller = new AbortController();
  let giveUp: (reason: string) => void = () => {};
  const givenUp = new Promise<string>((resolve) => {
    giveUp = resolve;
  });
  const cancelDeadline = clock.setTimer(() => {
    const late = new OutboxError('deliver_timeout', `Cannot deliver ${record.id}: no answer within ${timeoutMs} ms`);
    giveUp(late.message);
    controller.abort(late);
  }, timeoutMs);
  const context = { signal: controller.signal, deadlineMs: clock.nowMs() + timeoutMs };
  // The async wrapper turns a deliver that throws at once into a failed attempt.
  const delivered = (async () => deliver(record, context))().then(
    () => null,
    (error: unknown) => describe(error),
  );
  return {
    ended: Promise.race([delivered, givenUp]).finally(cancelDeadline),
    abort: (reason) => controller.abort(reason),
    giveUp,
  };
}

/** A reason that fits into a row. */
function describe(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return text.slice(0, 2000);
}
