import { streams } from '@kanade/shared/fleet';
import { JetStreamApiError, jetstreamManager } from '@nats-io/jetstream';
import { type Fleet, requestTimeoutMsDefault } from '../connection/connect-fleet.ts';
import { translate } from '../fault/translate.ts';
import { readEnds, readRuns } from '../results/runs-of-order.ts';
import type { Order } from './publish-order.ts';
import { targetOn, type WaitingOrder, waitingOrders } from './waiting-orders.ts';

/** Whether a message has gone by itself meanwhile: no message found, sequence not found, or a deletion that failed for that (errors.json). */
const isGone = (error: unknown): boolean =>
  error instanceof JetStreamApiError &&
  ([10_037, 10_043].includes(error.code) || (error.code === 10_057 && error.message === 'no message found'));

/** What became of an order that was taken back. */
export interface CancelOutcome {
  /** Subjects on which it still waited for machines that had not come to it; those of single machines that have run it are not among them. */
  readonly withdrawn: readonly string[];
  /** Machines that had got it already: there it runs on, or has ended. */
  readonly reached: readonly string[];
}

/**
 * Takes an order away from the broker, so that machines which have not come to it yet never do. Nothing is withdrawn where a newer
 * order has replaced it. What has reached a machine goes on. Throws FleetError.
 */
export async function cancelOrder(
  fleet: Fleet,
  order: Order,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<CancelOutcome> {
  const { execId, requestId, jobId } = order;
  try {
    const taken = await withdraw(fleet, ({ command }) => command.exec_id === execId, signal);
    // Read afterwards: who takes it now cannot have got it from the stream.
    const runs = [await readRuns(fleet, execId, signal), await readEnds(fleet, requestId, signal)];
    const reached = new Set(runs.flatMap((found) => [...found.values()]));
    const isOpen = (subject: string): boolean => {
      const target = targetOn(subject, jobId);
      return target?.kind !== 'pc' || !reached.has(target.pc);
    };
    return { withdrawn: taken.filter(isOpen).sort(), reached: [...reached].sort() };
  } catch (error) {
    throw translate(error, `cancelling order ${execId}`, signal);
  }
}

/** Takes the waiting orders away that match, and returns their subjects. */
export async function withdraw(
  fleet: Fleet,
  matches: (order: WaitingOrder) => boolean,
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  const manager = await jetstreamManager(fleet.connection, { timeout: requestTimeoutMsDefault, checkAPI: false });
  const withdrawn: string[] = [];
  for await (const order of waitingOrders(fleet, signal)) {
    if (!matches(order)) continue;
    try {
      await manager.streams.deleteMessage(streams.exec, order.sequence);
      withdrawn.push(order.subject);
    } catch (error) {
      // Replaced by a newer order just now: that one is not ours to take away.
      if (!isGone(error)) throw error;
    }
  }
  return withdrawn;
}
