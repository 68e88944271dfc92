/** Makes room in the object store of releases. */
import { objectStoresOnDemand, releaseKey, releaseManifestKey } from '@kanade/shared/fleet';
import type { Fleet } from '../connection/connect-fleet.ts';
import { FleetError } from '../fault/fleet-error.ts';
import { isMissingStream, translate } from '../fault/translate.ts';
import { listObjects } from '../objects/list-objects.ts';
import { removeObject } from '../objects/remove-object.ts';
import { checkVersion, notFound, platformsOf } from './read-release.ts';
import { readTargets } from './read-targets.ts';

export interface RemovedRelease {
  /** Whose executables were taken away. */
  readonly platforms: readonly string[];
  /** Room that there is again, in bytes. */
  readonly bytes: number;
}

const store = objectStoresOnDemand.agentReleases;

/**
 * Takes a release out of the store, its manifest first, so that machines meet all of it or none; what an interrupted publish or removal has
 * left of one goes, too. Machines that run it need nothing of it. Throws FleetError `release_wanted` while a scope of settings says
 * that machines are to run it, `release_not_found`, `invalid_id`.
 */
export async function removeRelease(
  fleet: Fleet,
  version: string,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<RemovedRelease> {
  checkVersion(version);
  const wanted = (await readTargets(fleet, { signal })).filter((target) => target.version === version);
  if (wanted.length > 0) {
    const scopes = wanted.map(({ key }) => key).join(', ');
    const message = `${scopes} ${wanted.length === 1 ? 'says' : 'say'} that machines are to run ${version}: roll out another one there, or take that back`;
    throw new FleetError('release_wanted', message);
  }
  try {
    const sizes = new Map<string, number>();
    for await (const { name, size } of listObjects(fleet.connection, { store, signal })) sizes.set(name, size);
    const platforms = platformsOf(version, [...sizes.keys()]).sort();
    const names = [releaseManifestKey(version), ...platforms.map((platform) => releaseKey(version, platform))];
    const there = names.filter((name) => sizes.has(name));
    if (there.length === 0) throw notFound(version);
    for (const name of there) await removeObject(fleet.connection, { store, name, signal });
    return { platforms, bytes: there.reduce((sum, name) => sum + (sizes.get(name) ?? 0), 0) };
  } catch (error) {
    if (isMissingStream(error)) throw notFound(version);
    throw translate(error, `removing release ${version}`, signal);
  }
}
