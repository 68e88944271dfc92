/** Whether a release, whose word is believed, is good for this machine now. */
import {
  compareReleaseVersions,
  isAtLeastVersion,
  type ReleaseFile,
  type ReleaseManifest,
} from '@kanade/shared/release';
import { UpdateError } from '../fault/update-error.ts';
import type { Accepted } from '../state/accepted.ts';

/**
 * Judges a release by the clock (in ms) and by what is known: what a machine has accepted, or the manifest of one release, to learn what a
 * machine says that has accepted it. Throws UpdateError `release_expired`, `release_replayed` and `release_below_floor`. A clock that was set
 * back gains nothing: it is later than the newest time that was signed.
 */
export function judgeTime(manifest: ReleaseManifest, known: Accepted | undefined, nowMs: number): void {
  const { version, released_at, expires_at, version_floor } = manifest;
  const newestMs = known === undefined ? Number.NEGATIVE_INFINITY : Date.parse(known.released_at);
  if (Date.parse(expires_at) <= Math.max(nowMs, newestMs))
    throw new UpdateError('release_expired', `release ${version} has expired at ${expires_at}: have it signed anew`);
  if (Date.parse(released_at) < newestMs)
    throw new UpdateError(
      'release_replayed',
      `release ${version} was signed for ${released_at}, and one of ${known?.released_at} is known: have it signed anew to go back`,
    );
  const floors = [version_floor, ...(known === undefined ? [] : [known.version_floor])];
  const floor = floors.sort(compareReleaseVersions).at(-1) as string;
  if (compareReleaseVersions(version, floor) < 0)
    throw new UpdateError(
      'release_below_floor',
      `release ${version} is below the floor: nothing before ${floor} is installed`,
    );
}

/** What a machine asks of a release. */
export interface ReleaseWish {
  /** The version that was asked for: a store that gives another one lies. Default: any. */
  readonly version?: string;
  /** Version of the broker that the machine is connected to. Default: not compared. */
  readonly brokerVersion?: string;
}

/**
 * The executable for a platform. Throws UpdateError `release_other_version`, `release_other_platform` and `broker_too_old`.
 */
export function executableFor(manifest: ReleaseManifest, platform: string, wish: ReleaseWish): ReleaseFile {
  const { version, broker_min, files } = manifest;
  if (wish.version !== undefined && wish.version !== version)
    throw new UpdateError('release_other_version', `release ${wish.version} was asked for, and this is ${version}`);
  if (broker_min !== undefined && wish.brokerVersion !== undefined && !isAtLeastVersion(wish.brokerVersion, broker_min))
    throw new UpdateError(
      'broker_too_old',
      `release ${version} needs a broker of ${broker_min}, and this one is ${wish.brokerVersion}`,
    );
  const file = files.find((entry) => entry.kind === 'executable' && entry.platform === platform);
  if (file) return file;
  const others = files.flatMap((entry) => (entry.kind === 'executable' && entry.platform ? [entry.platform] : []));
  throw new UpdateError(
    'release_other_platform',
    `release ${version} has no executable for ${platform}: it has ${others.join(', ') || 'none'}`,
  );
}
