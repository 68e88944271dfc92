import { objectStores, parseCollectionKey } from '@kanade/shared/fleet';
import type { Fleet } from '../connection/connect-fleet.ts';
import { translate } from '../fault/translate.ts';
import { listObjects } from '../objects/list-objects.ts';
import type { StoredObject } from '../objects/object-info.ts';

/** An archive of files that a run collected. */
export interface ListedBundle extends Pick<StoredObject, 'size' | 'sha256' | 'storedAt'> {
  /** `<pc_id>/<job_id>/<timestamp>.zip` */
  readonly key: string;
  readonly pc: string;
  readonly jobId: string;
}

export interface ListBundlesOptions {
  /** Of this machine only. */
  readonly pc?: string | undefined;
  /** Of runs of this job only. */
  readonly jobId?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** All archives that the store keeps, the one that was stored first first. Throws FleetError `no_topology` where there is no such store. */
export async function listBundles(fleet: Fleet, { pc, jobId, signal }: ListBundlesOptions): Promise<ListedBundle[]> {
  const found: ListedBundle[] = [];
  try {
    for await (const object of listObjects(fleet.connection, { store: objectStores.collections, signal })) {
      const named = parseCollectionKey(object.name);
      if (!named || (pc ?? named.pc) !== named.pc || (jobId ?? named.jobId) !== named.jobId) continue;
      const { name: key, size, sha256, storedAt } = object;
      const of = { key, pc: named.pc, jobId: named.jobId, size };
      found.push({ ...of, ...(sha256 && { sha256 }), ...(storedAt && { storedAt }) });
    }
    return found;
  } catch (error) {
    throw translate(error, 'listing collected files', signal);
  }
}
