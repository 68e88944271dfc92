import { buckets, scriptStatuses } from '@kanade/shared/fleet';
import { type Manifest, unservedIn } from '@kanade/shared/manifest';
import type { KvEntry } from '@nats-io/kv';
import type { Fleet } from '../connection/connect-fleet.ts';
import { abortable } from '../fault/abortable.ts';
import { FleetError } from '../fault/fleet-error.ts';
import { isWrongRevision, translate } from '../fault/translate.ts';
import { checkId, hasValue, openBucket, readEntry } from './bucket.ts';
import { readManifest } from './read-manifests.ts';

/** How often a job that others change meanwhile is read again. */
const attemptsMax = 5;

/**
 * The manifest to order, its version being the approved one from here on: machines compare an order's version with that. What
 * is approved is read before the manifest and changed only if it is still that, so an order never undoes a `putManifest` beside
 * it. Throws FleetError `job_not_found`, `job_revoked`, `job_unserved`, and `job_changed` when it changes faster than it can be read.
 */
export async function readApproved(fleet: Fleet, jobId: string, signal: AbortSignal | undefined): Promise<Manifest> {
  checkId('a job id', jobId);
  try {
    return await abortable(approve(fleet, jobId), signal);
  } catch (error) {
    throw translate(error, `approving job ${jobId}`, signal);
  }
}

async function approve(fleet: Fleet, jobId: string): Promise<Manifest> {
  const [current, status] = await Promise.all([
    openBucket(fleet, buckets.scriptCurrent),
    openBucket(fleet, buckets.scriptStatus),
  ]);
  for (let attempt = 1; ; attempt++) {
    const approved = await current.get(jobId);
    const [manifest, standing] = await Promise.all([readManifest(fleet, jobId), readEntry(status, jobId)]);
    refuseRevoked(jobId, standing);
    refuseUnserved(manifest);
    if (hasValue(approved) && approved?.string().trim() === manifest.version) return manifest;
    try {
      await current.put(jobId, manifest.version, { previousSeq: approved?.revision ?? 0 });
      return manifest;
    } catch (error) {
      if (!isWrongRevision(error) || attempt === attemptsMax) throw error;
    }
  }
}

/** Throws FleetError `job_revoked` when no machine may run orders that go by this id. */
export async function checkAllowed(fleet: Fleet, jobId: string, signal: AbortSignal | undefined): Promise<void> {
  try {
    const status = await openBucket(fleet, buckets.scriptStatus);
    refuseRevoked(jobId, await abortable(readEntry(status, jobId), signal));
  } catch (error) {
    throw translate(error, `looking whether ${jobId} is revoked`, signal);
  }
}

/** What no machine could tell from the order: whoever needs an approval, or a controller, is not run without. */
function refuseUnserved(manifest: Manifest): void {
  const unserved = unservedIn(manifest).find(({ refusedTo }) => refusedTo === 'everybody');
  if (!unserved) return;
  throw new FleetError('job_unserved', `${manifest.id} cannot be ordered: ${unserved.path}: ${unserved.reason}`);
}

function refuseRevoked(jobId: string, standing: KvEntry | undefined): void {
  if (standing?.string().trim() !== scriptStatuses.revoked) return;
  throw new FleetError('job_revoked', `${jobId} is revoked, "kanade fleet unrevoke ${jobId}" takes that back`);
}
