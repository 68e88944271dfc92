import { objectStores, parseVersionedKey } from '@kanade/shared/fleet';
import type { Fleet } from '../connection/connect-fleet.ts';
import { FleetError } from '../fault/fleet-error.ts';
import { translate } from '../fault/translate.ts';
import { removeObject } from '../objects/remove-object.ts';
import { jobsByScript } from './jobs-by-script.ts';

export interface RemovedScript {
  readonly sha256: string | undefined;
  /** Jobs of the catalogue that run it, and cannot be ordered any more. */
  readonly jobs: readonly string[];
}

/**
 * Takes a script (`<name>/<version>`) out of the store. Orders that wait run where a machine has kept it, and are refused elsewhere.
 * Throws FleetError `invalid_id` or `script_not_found`.
 */
export async function removeScript(
  fleet: Fleet,
  key: string,
  { signal }: { signal?: AbortSignal } = {},
): Promise<RemovedScript> {
  if (!parseVersionedKey(key)) throw new FleetError('invalid_id', `a script is NAME/VERSION: ${JSON.stringify(key)}`);
  try {
    const removed = await removeObject(fleet.connection, { store: objectStores.scripts, name: key, signal });
    if (!removed) throw notThere(key);
    return { sha256: removed.sha256, jobs: (await jobsByScript(fleet, signal)).get(key) ?? [] };
  } catch (error) {
    throw translate(error, `removing script ${key}`, signal);
  }
}

const notThere = (key: string): FleetError =>
  new FleetError('script_not_found', `no such script, "kanade fleet script list" shows them all: ${key}`);
