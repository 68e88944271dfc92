import { buckets } from '@kanade/shared/fleet';
import { applyChanges } from '../catalogue/apply-changes.ts';
import { checkId, openBucket, readEntry } from '../catalogue/bucket.ts';
import type { Fleet } from '../connection/connect-fleet.ts';
import { abortable } from '../fault/abortable.ts';
import { translate } from '../fault/translate.ts';
import { withdraw } from './cancel-order.ts';
import { targetOn } from './waiting-orders.ts';

/** What was forgotten of a machine. */
export interface Forgotten {
  /** Subjects of orders for it alone, run already or not. */
  readonly withdrawn: readonly string[];
  /** It was in groups that an operator gave it. */
  readonly wasGrouped: boolean;
}

/**
 * Forgets a machine that is gone: it is in no group that an operator gave it, and the orders for it alone are taken out of the stream, those it
 * has run, too. Whoever is enrolled under its id later is a new machine that none of them reaches. Results stay, and so do orders
 * for groups and for all, which are for everybody who is there. Throws FleetError `invalid_id`.
 */
export async function forgetMachine(
  fleet: Fleet,
  pc: string,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<Forgotten> {
  checkId('a machine', pc);
  try {
    // First the groups: an order for one of them does not find it any more.
    const wasGrouped = await abortable(leaveGroups(fleet, pc), signal);
    const isForIt = (subject: string, jobId: string): boolean => {
      const target = targetOn(subject, jobId);
      return target?.kind === 'pc' && target.pc === pc;
    };
    const withdrawn = await withdraw(fleet, ({ subject, command }) => isForIt(subject, command.id), signal);
    return { withdrawn: [...withdrawn].sort(), wasGrouped };
  } catch (error) {
    throw translate(error, `forgetting machine ${pc}`, signal);
  }
}

async function leaveGroups(fleet: Fleet, pc: string): Promise<boolean> {
  const groups = await openBucket(fleet, buckets.agentGroups);
  if (!(await readEntry(groups, pc))) return false;
  await applyChanges([{ bucket: groups, key: pc, value: undefined }]);
  return true;
}
