import { isToken, manifestVersionOf, objectStoresOnDemand, releaseKey, releaseManifestKey } from '@kanade/shared/fleet';
import { isReleaseVersion, signedReleaseBytesMax } from '@kanade/shared/release';
import type { Fleet } from '../connection/connect-fleet.ts';
import { FleetError } from '../fault/fleet-error.ts';
import { isMissingStream, translate } from '../fault/translate.ts';
import { listObjects } from '../objects/list-objects.ts';
import { readObjectBytes } from '../objects/read-object.ts';

interface Asked {
  readonly signal?: AbortSignal | undefined;
}

const store = objectStoresOnDemand.agentReleases;
/** Stands for a platform where only a version is looked at. */
const anyPlatform = 'linux-x86_64';

/** Throws FleetError `invalid_id` unless both may become the name of an object. */
export function checkVersion(version: string, platform = anyPlatform): void {
  const isFine = isReleaseVersion(version) && isToken(platform) && isToken(`${version}-${platform}`);
  if (isFine && releaseKey(version, platform) !== releaseManifestKey(version)) return;
  throw new FleetError(
    'invalid_id',
    `a version and a platform must be such as 1.4.0 and ${anyPlatform}: ${JSON.stringify([version, platform]).slice(0, 200)}`,
  );
}

/** The signed manifest of a release as it is stored. Throws FleetError `release_not_found`, `object_damaged`, `too_large`. */
export async function readRelease(fleet: Fleet, version: string, { signal }: Asked = {}): Promise<Uint8Array> {
  checkVersion(version);
  try {
    const place = { store, name: releaseManifestKey(version), signal };
    const read = await readObjectBytes(fleet.connection, { ...place, bytesMax: signedReleaseBytesMax });
    if (read.ok) return read.bytes;
    if (read.reason === 'missing') throw notFound(version);
    if (read.reason === 'too_large')
      throw new FleetError('too_large', `the manifest of ${version} has ${read.bytes} bytes, at most ${read.bytesMax}`);
    throw new FleetError('object_damaged', `the manifest of ${version} is damaged: publish the release again`);
  } catch (error) {
    if (isMissingStream(error)) throw notFound(version);
    throw translate(error, `reading release ${version}`, signal);
  }
}

export const notFound = (version: string): FleetError =>
  new FleetError('release_not_found', `no release ${version} is published: "kanade fleet agent publish" brings one`);

/** A release as the store has it; nothing of it is checked. */
export interface ListedRelease {
  readonly version: string;
  /** When its manifest was stored last, as its writer told the time. */
  readonly storedAt?: string;
  /** Those that can be fetched. */
  readonly platforms: readonly string[];
}

/** All published releases, the one that was stored last last. Without a store there are none. Throws FleetError. */
export async function listReleases(fleet: Fleet, { signal }: Asked = {}): Promise<ListedRelease[]> {
  try {
    const [names, releases]: [string[], Omit<ListedRelease, 'platforms'>[]] = [[], []];
    for await (const { name, storedAt } of listObjects(fleet.connection, { store, signal })) {
      const version = manifestVersionOf(name);
      if (version === undefined) names.push(name);
      else releases.push({ version, ...(storedAt === undefined ? {} : { storedAt }) });
    }
    return releases.map((release) => ({ ...release, platforms: platformsOf(release.version, names).sort() }));
  } catch (error) {
    if (isMissingStream(error)) return [];
    throw translate(error, 'listing releases', signal);
  }
}

/** A version may be the beginning of another: `1.0.0` of `1.0.0-rc-linux-x86_64`. A platform begins with a letter and has no dot. */
export const platformsOf = (version: string, names: readonly string[]): string[] =>
  names
    .filter((name) => name.startsWith(`${version}-`))
    .map((name) => name.slice(version.length + 1))
    .filter((platform) => /^[a-z]+-[a-z0-9_]+(-[a-z]+)?$/.test(platform));
