import { failureReason } from '../core/reason.ts';
import type { QueuedRecord } from '../rows/record.ts';

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
  /** Asks `deliver` to stop. */
  abort(reason: unknown): void;
  /** Ends the attempt even if `deliver` does not come back. */
  giveUp(reason: string): void;
}

/** Starts an attempt. `onEnd` is called once, later than this call: with null for success, else with what went wrong. */
export function startDelivery(
  record: QueuedRecord,
  { deliver, deadlineMs, onEnd }: { deliver: Deliver; deadlineMs: number; onEnd: (failure: string | null) => void },
): Delivery {
  let controller: AbortController | null = null;
  let aborted: { readonly reason: unknown } | null = null;
  let ended = false;
  const end = (failure: string | null): void => {
    if (ended) return;
    ended = true;
    onEnd(failure);
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
    () => end(null),
    (error: unknown) => end(failureReason(error)),
  );
  return {
    abort(reason) {
      aborted ??= { reason };
      controller?.abort(aborted.reason);
    },
    giveUp: end,
  };
}

/** A deliver that throws at once is a failed attempt too. */
function attempt(deliver: Deliver, record: QueuedRecord, context: DeliverContext): Promise<void> {
  try {
    return Promise.resolve(deliver(record, context));
  } catch (error) {
    return Promise.reject(error);
  }
}
