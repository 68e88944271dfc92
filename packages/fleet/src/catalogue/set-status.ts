import { buckets, type ScriptStatus, scriptStatuses } from '@kanade/shared/fleet';
import type { Fleet } from '../connection/connect-fleet.ts';
import { translate } from '../fault/translate.ts';
import { withdraw } from '../orders/cancel-order.ts';
import { adHoc } from '../orders/run-script.ts';
import { checkId, openBucket, readEntry } from './bucket.ts';
import { jobNotFound } from './read-manifests.ts';

/** What became of a job's standing. */
export interface StatusChange {
  /** What it was before; a job that nobody has judged counts as active. */
  readonly before: ScriptStatus;
  /** Subjects of orders that waited for machines which are away, and were taken back. */
  readonly withdrawn: readonly string[];
}

interface Changing {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Revokes a job: no machine starts a run of it any more, be it ordered before, and orders that wait are taken back. The job need not
 * be in the catalogue: what was removed can still be on its way, and `adhoc-run` stands for all scripts without a job. What runs goes
 * on. Throws FleetError `job_not_found` for an id that nobody has heard of.
 */
export const revokeJob = (fleet: Fleet, jobId: string, options: Changing = {}): Promise<StatusChange> =>
  change(fleet, jobId, { ...options, to: scriptStatuses.revoked });

/**
 * Allows a revoked job again. Orders from before stay forbidden: what waits of them is taken back first. Throws FleetError.
 */
export const unrevokeJob = (fleet: Fleet, jobId: string, options: Changing = {}): Promise<StatusChange> =>
  change(fleet, jobId, { ...options, to: scriptStatuses.active });

async function change(
  fleet: Fleet,
  jobId: string,
  { to, signal }: Changing & { to: ScriptStatus },
): Promise<StatusChange> {
  checkId('a job id', jobId);
  try {
    const status = await openBucket(fleet, buckets.scriptStatus);
    const entry = await readEntry(status, jobId);
    const isKnown =
      entry !== undefined || jobId === adHoc.id || (await readEntry(await openBucket(fleet, buckets.jobs), jobId));
    if (!isKnown) throw jobNotFound(jobId);
    const isRevoked = entry?.string().trim() === scriptStatuses.revoked;
    const before = isRevoked ? scriptStatuses.revoked : scriptStatuses.active;
    if (to === scriptStatuses.revoked) {
      // First the word, then the orders: one that is sent in between is forbidden, too.
      await status.put(jobId, to);
      return { before, withdrawn: await withdrawJob(fleet, jobId, signal) };
    }
    if (!isRevoked) return { before, withdrawn: [] };
    const withdrawn = await withdrawJob(fleet, jobId, signal);
    await status.put(jobId, to, { previousSeq: entry?.revision ?? 0 });
    return { before, withdrawn };
  } catch (error) {
    throw translate(error, `${to === scriptStatuses.revoked ? 'revoking' : 'allowing'} job ${jobId}`, signal);
  }
}

/** Takes every order of a job back that waits for machines which have not come to it. */
export async function withdrawJob(
  fleet: Fleet,
  jobId: string,
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  return withdraw(fleet, ({ command }) => command.id === jobId, signal);
}
