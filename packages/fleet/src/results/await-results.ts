import type { Target } from '@kanade/shared/fleet';
import type { Fleet } from '../connection/connect-fleet.ts';
import { findMachines } from '../orders/find-machines.ts';
import { type FollowEvent, type FollowedResult, followResults } from './follow-results.ts';
import { createRoll, type MissingMachine, type Roll } from './roll.ts';

/** What is told while results are waited for. */
export type WaitEvent =
  | FollowEvent
  | { readonly type: 'result'; readonly result: FollowedResult }
  /** The counts have changed. */
  | ({ readonly type: 'counted' } & ReturnType<Roll['counts']>)
  /** It cannot be known who is online: the wait takes its whole time. */
  | { readonly type: 'machines_unknown'; readonly error: Error };

export interface AwaitResultsOptions {
  readonly requestId: string;
  readonly targets: readonly Target[];
  /** The longest wait, in ms. */
  readonly waitMs: number;
  /** How long all machines are listened for, in ms; default: as `agentsOnline`. */
  readonly listenMs?: number | undefined;
  onEvent?(event: WaitEvent): void;
  readonly signal?: AbortSignal | undefined;
}

/** How a wait ended. */
export interface WaitOutcome {
  readonly results: readonly FollowedResult[];
  /** Of runs that came behind one of these and have ended by now; nobody waits for them. */
  readonly finalizers: readonly FollowedResult[];
  /** Machines that the order is for and that have not answered. */
  readonly missing: readonly MissingMachine[];
  /** Why it could not be known who is online: others may be missing too. */
  readonly machinesUnknown?: string;
  /** Whether the time was over before everybody had answered who was expected to. */
  readonly isLate: boolean;
}

/**
 * Waits for the results of an order, and knows for whom: machines that were named until they answer, members of groups and the
 * whole fleet as far as they are online. Resolves as soon as all of them have answered, or when the time is over. Throws
 * FleetError, and the reason of the signal.
 */
export async function awaitResults(fleet: Fleet, options: AwaitResultsOptions): Promise<WaitOutcome> {
  const { requestId, targets, waitMs, listenMs, onEvent, signal: outer } = options;
  const over = new AbortController();
  let isLate = false;
  const atLimit = (): void => {
    isLate = true;
    over.abort();
  };
  const limit = setTimeout(atLimit, Math.min(waitMs, 2 ** 31 - 1));
  const signal = outer ? AbortSignal.any([outer, over.signal]) : over.signal;
  const named = targets.flatMap((target) => (target.kind === 'pc' ? [target.pc] : []));
  const roll = createRoll(named, { isOpen: targets.some(({ kind }) => kind !== 'pc') });
  const results: FollowedResult[] = [];
  const finalizers: FollowedResult[] = [];
  let machinesUnknown: string | undefined;
  const changed = (change: () => void): void => {
    change();
    onEvent?.({ type: 'counted', ...roll.counts() });
    if (roll.isOver()) over.abort();
  };
  const finding = findMachines(fleet, targets, {
    onMachine: (pc, presence) => changed(() => roll.note(pc, presence)),
    listenMs,
    signal,
  }).then(
    () => changed(roll.known),
    (error: unknown) => {
      if (signal.aborted) return;
      const failure = error instanceof Error ? error : new Error(String(error));
      machinesUnknown = failure.message;
      onEvent?.({ type: 'machines_unknown', error: failure });
    },
  );
  try {
    for await (const result of followResults(fleet, { requestId, signal, ...(onEvent ? { onEvent } : {}) })) {
      onEvent?.({ type: 'result', result });
      if (result.parent_result_id !== undefined) {
        finalizers.push(result); // no answer of its machine: that is what it came behind
        continue;
      }
      results.push(result);
      changed(() => roll.answered(result.pc_id));
    }
  } catch (error) {
    if (error !== over.signal.reason || outer?.aborted) throw error;
  } finally {
    clearTimeout(limit);
    over.abort();
    await finding;
  }
  return {
    results,
    finalizers,
    missing: roll.missing(),
    isLate,
    ...(machinesUnknown === undefined ? {} : { machinesUnknown }),
  };
}
