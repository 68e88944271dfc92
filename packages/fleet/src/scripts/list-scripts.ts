import { objectStores, parseVersionedKey } from '@kanade/shared/fleet';
import type { Fleet } from '../connection/connect-fleet.ts';
import { translate } from '../fault/translate.ts';
import { listObjects } from '../objects/list-objects.ts';
import type { StoredObject } from '../objects/object-info.ts';
import { jobsByScript } from './jobs-by-script.ts';

/** A stored script, and the jobs of the catalogue that run it. */
export interface ListedScript extends Pick<StoredObject, 'size' | 'sha256' | 'storedAt'> {
  /** `<name>/<version>`. */
  readonly key: string;
  /** Undefined for an object that no script could be called by. */
  readonly name: string | undefined;
  readonly version: string | undefined;
  readonly jobs: readonly string[];
}

/** All scripts of the object store, by key. Throws FleetError `no_topology` where there is no such store. */
export async function listScripts(fleet: Fleet, { signal }: { signal?: AbortSignal } = {}): Promise<ListedScript[]> {
  try {
    const jobs = await jobsByScript(fleet, signal);
    const scripts: ListedScript[] = [];
    for await (const object of listObjects(fleet.connection, { store: objectStores.scripts, signal })) {
      const { name: key, size, sha256, storedAt } = object;
      const named = parseVersionedKey(key);
      const known = { key, name: named?.name, version: named?.version, size, jobs: jobs.get(key) ?? [] };
      scripts.push({ ...known, ...(sha256 && { sha256 }), ...(storedAt && { storedAt }) });
    }
    return scripts.sort((a, b) => (a.key < b.key ? -1 : 1));
  } catch (error) {
    throw translate(error, 'listing scripts', signal);
  }
}
