import { buckets, scriptStatuses } from '@kanade/shared/fleet';
import type { Fleet } from '../connection/connect-fleet.ts';
import { abortable } from '../fault/abortable.ts';
import { translate } from '../fault/translate.ts';
import { applyChanges } from './apply-changes.ts';
import { checkId, openBucket, readEntry } from './bucket.ts';
import { jobNotFound } from './read-manifests.ts';
import { withdrawJob } from './set-status.ts';

/**
 * Takes a job out of the catalogue and revokes it, so that machines skip orders of it that are still on their way; those that wait
 * for machines which are away are taken back, and their subjects returned. All or nothing. Throws FleetError `job_not_found`.
 */
export async function removeManifest(
  fleet: Fleet,
  jobId: string,
  { signal }: { signal?: AbortSignal } = {},
): Promise<readonly string[]> {
  checkId('a job id', jobId);
  try {
    await abortable(remove(fleet, jobId), signal);
    return await withdrawJob(fleet, jobId, signal);
  } catch (error) {
    throw translate(error, `removing job ${jobId}`, signal);
  }
}

async function remove(fleet: Fleet, key: string): Promise<void> {
  const jobs = await openBucket(fleet, buckets.jobs);
  if (!(await readEntry(jobs, key))) throw jobNotFound(key);
  await applyChanges([
    { bucket: await openBucket(fleet, buckets.scriptStatus), key, value: scriptStatuses.revoked },
    { bucket: await openBucket(fleet, buckets.scriptCurrent), key, value: undefined },
    { bucket: await openBucket(fleet, buckets.jobsYaml), key, value: undefined },
    { bucket: jobs, key, value: undefined },
  ]);
}
