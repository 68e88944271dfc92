/** The newest word of those who sign releases, as far as this machine has seen it. Nothing of it ever goes back. */
import type { ReleaseManifest } from '@kanade/shared/release';
import { compareReleaseVersions, isReleaseVersion } from '@kanade/shared/release';
import { isRecord, readStateFile, writeState } from './state-dir.ts';

export interface Accepted {
  /** Newest time of a release that was accepted, RFC 3339: no word before it counts any more, and no clock is believed that says less. */
  readonly released_at: string;
  /** Highest floor that was accepted. */
  readonly version_floor: string;
  /** Every key that was ever revoked. */
  readonly revoked_keys: readonly string[];
}

function isAccepted(value: unknown): value is Accepted {
  if (!isRecord(value)) return false;
  const { released_at, version_floor, revoked_keys } = value;
  return (
    typeof released_at === 'string' &&
    !Number.isNaN(Date.parse(released_at)) &&
    typeof version_floor === 'string' &&
    isReleaseVersion(version_floor) &&
    Array.isArray(revoked_keys) &&
    revoked_keys.every((key) => typeof key === 'string')
  );
}

/** Throws UpdateError `state_invalid`: a machine that has forgotten what it saw would believe everything again. */
export const readAccepted = (dir: string): Accepted | undefined => readStateFile(dir, 'accepted', isAccepted);

/** Takes note of a release, on disk before anything follows from it. */
export function remember(dir: string, known: Accepted | undefined, manifest: ReleaseManifest): Accepted {
  const { released_at, version_floor, revoked_keys } = manifest;
  const isNewer = known === undefined || Date.parse(released_at) > Date.parse(known.released_at);
  const isHigher = known === undefined || compareReleaseVersions(version_floor, known.version_floor) > 0;
  const next: Accepted = {
    released_at: isNewer ? released_at : known.released_at,
    version_floor: isHigher ? version_floor : known.version_floor,
    revoked_keys: [...new Set([...(known?.revoked_keys ?? []), ...revoked_keys])].sort(),
  };
  if (JSON.stringify(next) !== JSON.stringify(known)) writeState(dir, 'accepted', next);
  return next;
}
