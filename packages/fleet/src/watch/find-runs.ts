/** Where the runs are that an id means. */
import { createReader, EventStarted, ExecResult, streams } from '@kanade/shared/fleet';
import { checkId } from '../catalogue/bucket.ts';
import type { Fleet } from '../connection/connect-fleet.ts';
import { isMissingStream, translate } from '../fault/translate.ts';
import { findOrder } from '../orders/find-order.ts';
import type { Order } from '../orders/publish-order.ts';
import { readEnds, readRuns } from '../results/runs-of-order.ts';
import { readNewest } from '../stream/read-newest.ts';
import { readValue } from '../stream/read-value.ts';
import type { RunIds } from './follow-run.ts';

/** What an id means: by what machines know it, and which machines that is. */
export interface FoundRuns {
  readonly ids: RunIds;
  readonly pcs: readonly string[];
  /** Machines whose result has come: nothing more is to be waited for there. */
  readonly ended: ReadonlySet<string>;
  /** The order of that exec id, where other machines may still begin to run it. */
  readonly order?: Order;
}

export interface FindRunsOptions {
  /** The only machines that are meant; they need not be looked for. */
  readonly pcs?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Finds the runs of an order by its exec id, or one by its run id or request id: among what has begun or ended lately, unless the machines
 * are named. Undefined when nobody knows the id. Throws FleetError.
 */
export async function findRuns(
  fleet: Fleet,
  id: string,
  options: FindRunsOptions = {},
): Promise<FoundRuns | undefined> {
  const { pcs, signal } = options;
  checkId('an id', id);
  for (const pc of pcs ?? []) checkId('a pc id', pc);
  try {
    const order = await findOrder(fleet, id, { signal });
    if (order) return await runsOfOrder(fleet, order, options);
    if (pcs) return { ids: { resultId: id, requestId: id, execId: id }, pcs, ended: new Set() };
    return (await begun(fleet, id, signal)) ?? (await ended(fleet, id, signal));
  } catch (error) {
    throw translate(error, `looking for runs of ${id}`, signal);
  }
}

export const idsOfOrder = ({ execId, requestId }: Order): RunIds => ({ execId, requestId });

/** An order on the machines that it names, and on those that have come to it. */
async function runsOfOrder(fleet: Fleet, order: Order, { pcs, signal }: FindRunsOptions): Promise<FoundRuns> {
  const { execId, requestId, targets } = order;
  const named = targets.flatMap((target) => (target.kind === 'pc' ? [target.pc] : []));
  const isOpen = pcs === undefined && named.length < targets.length;
  const [runs, ends] = await Promise.all([
    isOpen ? readRuns(fleet, execId, signal) : new Map<string, string>(),
    readEnds(fleet, requestId, signal),
  ]);
  const ended = new Set(ends.values());
  const all = isOpen ? [...named, ...runs.values(), ...ended] : named;
  return { ids: idsOfOrder(order), pcs: pcs ?? [...new Set(all)], ended, ...(isOpen ? { order } : {}) };
}

async function begun(fleet: Fleet, id: string, signal: AbortSignal | undefined): Promise<FoundRuns | undefined> {
  const readStarted = createReader(EventStarted);
  const isMeant = ({ result_id, request_id, exec_id }: EventStarted): boolean =>
    [result_id, request_id, exec_id].includes(id);
  try {
    const { found } = await readNewest(fleet, {
      stream: streams.events,
      limit: machinesMax,
      read: (message) => matching(readValue(message, readStarted), isMeant),
      signal,
    });
    return asFound(found, id, []);
  } catch (error) {
    if (isMissingStream(error)) return undefined;
    throw error;
  }
}

async function ended(fleet: Fleet, id: string, signal: AbortSignal | undefined): Promise<FoundRuns | undefined> {
  const readResult = createReader(ExecResult);
  const isMeant = ({ result_id, request_id, exec_id }: ExecResult): boolean =>
    [result_id, request_id, exec_id].includes(id);
  const { found } = await readNewest(fleet, {
    stream: streams.results,
    limit: machinesMax,
    read: (message) => matching(readValue(message, readResult), isMeant),
    signal,
  });
  return asFound(found, id, found);
}

/** Most machines that one id is followed on. */
const machinesMax = 1_000;

const matching = <T>(value: T | undefined, isMeant: (value: T) => boolean): T | undefined =>
  value !== undefined && isMeant(value) ? value : undefined;

function asFound(
  found: readonly { readonly pc_id: string }[],
  id: string,
  ends: readonly { readonly pc_id: string }[],
): FoundRuns | undefined {
  if (found.length === 0) return undefined;
  const pcsOf = (runs: readonly { readonly pc_id: string }[]): Set<string> => new Set(runs.map(({ pc_id }) => pc_id));
  return { ids: { resultId: id, requestId: id, execId: id }, pcs: [...pcsOf(found)], ended: pcsOf(ends) };
}
