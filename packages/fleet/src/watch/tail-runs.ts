/** Following the runs of many machines at once. */
import { createReader, EventStarted, startsOf } from '@kanade/shared/fleet';
import type { Fleet } from '../connection/connect-fleet.ts';
import { abortable } from '../fault/abortable.ts';
import { translate } from '../fault/translate.ts';
import type { Order } from '../orders/publish-order.ts';
import { readRuns } from '../results/runs-of-order.ts';
import { readValue } from '../stream/read-value.ts';
import { openQuestions } from './ask-machine.ts';
import { type FoundRuns, idsOfOrder } from './find-runs.ts';
import { type FollowRunOptions, followRun, type RunStanding } from './follow-run.ts';

export interface TailRunsOptions extends Omit<FollowRunOptions, 'pc' | 'ids' | 'follow'> {
  /** Go on until every run that has begun by then has ended; else until there is nothing more now. */
  readonly follow: boolean;
}

/** How each machine stood at the end. */
export type Standings = ReadonlyMap<string, RunStanding>;

/**
 * Tells what the runs print that `findRuns` has found. Following an order to groups or to all machines takes those in that begin
 * meanwhile, and ends with the last that has. Throws FleetError, and the signal's reason.
 */
export async function tailRuns(fleet: Fleet, runs: FoundRuns, options: TailRunsOptions): Promise<Standings> {
  const watched = watchRuns(fleet, runs, options);
  try {
    if (options.follow && runs.order) await watched.takeIn(runs.order);
    return await watched.ended();
  } finally {
    watched[Symbol.dispose]();
  }
}

/** The runs of an order, followed beside something else, from their first byte on. */
export interface WatchedOrder extends Disposable {
  /** Resolves when everything is told that these machines have printed, which have answered; after 5 s at the latest. */
  told(pcs: readonly string[]): Promise<void>;
}

/** Follows an order that was sent just now; `onFault` hears why it cannot be followed any more. */
export function watchOrder(
  fleet: Fleet,
  order: Order,
  options: Pick<TailRunsOptions, 'onEvent' | 'signal'> & { readonly onFault: (error: unknown) => void },
): WatchedOrder {
  const named = order.targets.flatMap((target) => (target.kind === 'pc' ? [target.pc] : []));
  const runs: FoundRuns = { ids: idsOfOrder(order), pcs: named, ended: new Set(), order };
  const closing = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, closing.signal]) : closing.signal;
  const watched = watchRuns(fleet, runs, { ...options, fromStart: true, follow: true, signal });
  const onFault = (error: unknown): void => {
    if (!signal.aborted) options.onFault(error);
  };
  const taking = watched.takeIn(order).catch(onFault);
  watched.ended().catch(onFault);
  return {
    async told(pcs) {
      await taking;
      await watched.told(pcs).catch(onFault);
    },
    [Symbol.dispose]() {
      closing.abort(new Error('nobody watches any more'));
      watched[Symbol.dispose]();
    },
  };
}

/** How long what machines have printed may be on its way at the end, in ms. */
const toldMs = 5_000;

/** Followers, one for each machine. */
function watchRuns(fleet: Fleet, { ids, pcs, ended, order }: FoundRuns, options: TailRunsOptions) {
  const questions = openQuestions(fleet);
  const standings = new Map<string, RunStanding>();
  const followers = new Map<string, Promise<void>>();
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => undefined); // heard by whoever waits
  const first = Promise.withResolvers<void>();
  let subscription: { unsubscribe(): void } | undefined;
  const add = (pc: string): void => {
    if (followers.has(pc)) return;
    const follow = options.follow && !ended.has(pc);
    const following = followRun(questions, { ...options, follow, pc, ids }).then(
      (standing) => void standings.set(pc, standing),
    );
    followers.set(pc, following);
    first.resolve();
    following.catch((error: unknown) => failed.reject(translate(error, `following the run on ${pc}`, options.signal)));
  };
  for (const pc of pcs) add(pc);
  const all = async (): Promise<void> => {
    if (options.follow && order) await abortable(first.promise, options.signal);
    for (let count = -1; count !== followers.size; ) {
      count = followers.size;
      await Promise.all(followers.values());
    }
  };
  return {
    /** Follows those that begin from now on, and those that have begun. */
    async takeIn({ execId, targets }: Order): Promise<void> {
      if (targets.every(({ kind }) => kind === 'pc')) return;
      const readStarted = createReader(EventStarted);
      subscription = fleet.connection.subscribe(startsOf(execId), {
        callback: (_, message) => {
          const started = readValue(message, readStarted);
          if (started) add(started.pc_id);
        },
      });
      await fleet.connection.flush();
      for (const pc of (await readRuns(fleet, execId, options.signal)).values()) add(pc);
    },
    ended: async (): Promise<Standings> => {
      await Promise.race([all(), failed.promise]);
      return standings;
    },
    async told(which: readonly string[]): Promise<void> {
      for (const pc of which) add(pc);
      const all = Promise.race([Promise.all(which.map((pc) => followers.get(pc))), failed.promise]);
      const late = AbortSignal.timeout(toldMs);
      await abortable(all, late).catch((error: unknown) => {
        if (error !== late.reason) throw error; // one that went away just now must not keep the others
      });
    },
    [Symbol.dispose](): void {
      subscription?.unsubscribe();
      questions[Symbol.dispose]();
    },
  };
}
