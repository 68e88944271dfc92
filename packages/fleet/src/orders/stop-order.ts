import { anyResult, createReader, ExecResult, type StopSummary } from '@kanade/shared/fleet';
import type { Fleet } from '../connection/connect-fleet.ts';
import { isRefused, translate } from '../fault/translate.ts';
import { readEnds, readRuns } from '../results/runs-of-order.ts';
import { readValue } from '../stream/read-value.ts';
import { findOrder } from './find-order.ts';
import type { Order } from './publish-order.ts';
import { runOn } from './run-on-machine.ts';
import { sendKill } from './send-kill.ts';

/** A run that a machine has ended since the kill, and what it said of that. */
export interface StoppedRun {
  readonly pc_id: string;
  readonly exit_code: number;
  readonly ending?: string | undefined;
  readonly result_id: string;
  /** The last line of its standard error, where the agent writes how the run was stopped. */
  readonly report: string;
  /** What the stop did and whom it left alive; undefined from machines that do not say so, and for a run that had not begun. */
  readonly stop?: StopSummary | undefined;
}

/** What can be looked up of an order: itself, where it has begun, where it has ended. */
export type OrderLook = 'order' | 'begun' | 'ended';

export interface StopOrderOptions {
  /** Of the order; or the id of one run, which a person may have started. */
  readonly execId: string;
  /** The machine of that run: it is asked whether it knows it, because the broker does not know of runs of people before they end. */
  readonly pc?: string | undefined;
  /** How long the confirmations may take in all, in ms. */
  readonly waitMs: number;
  /** When all who are known to run it have confirmed: how long nobody else may say anything, in ms. Runs that wait to start are in no list. */
  readonly quietMs: number;
  /** Called when the stop order has gone out: whatever fails after that, it stands. */
  onSent?(): void;
  /** Hears of each run when its machine confirms. */
  onStopped?(run: StoppedRun): void;
  /** Hears of what the broker does not let this user look up. */
  onUnknown?(what: OrderLook): void;
  readonly signal?: AbortSignal | undefined;
}

export interface StoppedOrder {
  /**
   * Undefined when the broker knows of no such order; then nothing can have been stopped either, but for luck. Also undefined when
   * it is `unknown`.
   */
  readonly order: Order | undefined;
  readonly stopped: readonly StoppedRun[];
  /** Machines where a run had begun and that have not said that it has ended: they are away, or it resists. */
  readonly unconfirmed: readonly string[];
  /** How many runs of the order had ended before. */
  readonly endedBefore: number;
  /** What the broker does not let this user look up. Without `begun` nobody knows who else runs it, and the wait takes its whole time. */
  readonly unknown: readonly OrderLook[];
}

/**
 * Tells every machine that is online to stop the runs of an order, with their children, and waits until those where it runs have
 * said so. Machines that are away do not hear it. Whoever may kill and not look things up is told what is unknown, and who confirms.
 * Throws FleetError, and the reason of the signal.
 */
export async function stopOrder(fleet: Fleet, options: StopOrderOptions): Promise<StoppedOrder> {
  const { execId, signal } = options;
  const there = await runOn(fleet, options);
  // Before the word goes out: whoever is quick must not be missed.
  const heard = listenForEnds(fleet, options);
  try {
    await sendKill(fleet, execId, signal ? { signal } : {});
    options.onSent?.();
    const unknown: OrderLook[] = [];
    const look = lookUp(options, unknown);
    const order = await look('order', findOrder(fleet, execId, { signal }), undefined);
    const begun = new Map([...(await look('begun', readRuns(fleet, execId, signal), none)), ...there.running]);
    const ended = order ? await look('ended', readEnds(fleet, order.requestId, signal), none) : there.ended;
    const confirmed = (id: string): boolean => heard.runs.some(({ result_id }) => result_id === id);
    const running = [...begun].filter(([id]) => !ended.has(id) || confirmed(id));
    const isOpen = (): boolean => {
      if (unknown.includes('begun')) return true;
      if (running.length > 0) return running.some(([id]) => !confirmed(id));
      // Nobody is known to run it: it may wait to start somewhere, unless it has ended or nobody has ever heard of it.
      return heard.runs.length === 0 && ended.size === 0 && order !== undefined;
    };
    await settle(heard, isOpen, options);
    return {
      order,
      stopped: heard.runs,
      unconfirmed: running.flatMap(([id, pc]) => (confirmed(id) ? [] : [pc])).sort(),
      endedBefore: [...ended.keys()].filter((id) => !confirmed(id)).length,
      unknown,
    };
  } catch (error) {
    throw translate(error, `stopping ${execId}`, signal);
  } finally {
    heard.end();
  }
}

/** No runs that are known. */
const none: ReadonlyMap<string, string> = new Map();

/** A look that the broker refuses finds nothing, and is noted: the stop order has gone out, and who obeys it says so anyway. */
function lookUp({ onUnknown }: StopOrderOptions, unknown: OrderLook[]) {
  return async <T>(what: OrderLook, looking: Promise<T>, otherwise: T): Promise<T> => {
    try {
      return await looking;
    } catch (error) {
      if (!isRefused(error)) throw error;
      unknown.push(what);
      onUnknown?.(what);
      return otherwise;
    }
  };
}

interface Heard {
  readonly runs: StoppedRun[];
  onRun: () => void;
  end(): void;
}

function listenForEnds(fleet: Fleet, { execId, onStopped }: StopOrderOptions): Heard {
  const readResult = createReader(ExecResult);
  const subscription = fleet.connection.subscribe(anyResult, {
    callback: (error, message) => {
      const result = error ? undefined : readValue(message, readResult);
      if (result?.exec_id !== execId && result?.result_id !== execId) return;
      const { pc_id, exit_code, ending, result_id, stderr, stop_report: stop } = result;
      const report = stderr.trimEnd().split('\n').at(-1) ?? '';
      const run = { pc_id, exit_code, ending, result_id, report, ...(stop ? { stop } : {}) };
      heard.runs.push(run);
      onStopped?.(run);
      heard.onRun();
    },
  });
  const heard: Heard = { runs: [], onRun: () => {}, end: () => subscription.unsubscribe() };
  return heard;
}

/** Resolves when nothing is open and nobody has spoken for a while, or when the time is over. */
async function settle(
  heard: Heard,
  isOpen: () => boolean,
  { waitMs, quietMs, signal }: StopOrderOptions,
): Promise<void> {
  const over = Promise.withResolvers<void>();
  const limit = setTimeout(over.resolve, waitMs);
  let quiet: NodeJS.Timeout | undefined;
  const onAbort = (): void => over.reject(signal?.reason);
  heard.onRun = () => {
    clearTimeout(quiet);
    if (!isOpen()) quiet = setTimeout(over.resolve, quietMs);
  };
  try {
    signal?.throwIfAborted();
    signal?.addEventListener('abort', onAbort, { once: true });
    heard.onRun();
    await over.promise;
  } finally {
    clearTimeout(limit);
    clearTimeout(quiet);
    signal?.removeEventListener('abort', onAbort);
  }
}
