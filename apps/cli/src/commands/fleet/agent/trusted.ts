/** Whether machines will take a signed release: asked of the same library, with the keys of this operator. */
import { resolve } from 'node:path';
import type { ReleaseManifest } from '@kanade/shared/release';
import { Failure } from '../../../answer/answer.ts';
import type { Context, OptionTable } from '../../../call/command.ts';
import { installedReleaseKeys } from '../../../local/installed.ts';

type Library = typeof import('./library.ts');

export const releaseKeysOption = {
  'release-keys': {
    kind: 'text',
    value: 'FILE',
    help: 'public keys of who signs releases (default: release-keys.json that came with this installation)',
  },
} as const satisfies OptionTable;

/** The keys that were named, else those that came with this program. */
export const releaseKeysPath = ({ cwd }: Context, given: string | undefined): string =>
  given === undefined ? installedReleaseKeys() : resolve(cwd, given);

/**
 * The manifest of a signed release that machines with these keys take now. Throws UpdateError, and Failure `release_expired`,
 * `release_mismatch`, `broker_too_old`.
 */
export function trustedManifest(
  { isAtLeastVersion, loadReleaseKeys, verifyRelease }: Library,
  signed: Uint8Array,
  { keysPath, nowMs, version, server }: Judging,
): ReleaseManifest {
  const { manifest } = verifyRelease(signed, { keys: loadReleaseKeys(keysPath) });
  if (version !== undefined && manifest.version !== version) {
    const message = `what is published as ${version} is signed as ${manifest.version}: machines refuse it`;
    throw new Failure('release_mismatch', message, { details: { version } });
  }
  if (Date.parse(manifest.expires_at) <= nowMs) {
    const message = `release ${manifest.version} is over since ${manifest.expires_at}: machines refuse it; have it signed again`;
    throw new Failure('release_expired', message, { details: { version: manifest.version } });
  }
  const { broker_min: floor } = manifest;
  if (floor !== undefined && server !== undefined && !isAtLeastVersion(server, floor)) {
    const message = `release ${manifest.version} needs nats-server ${floor}, and this broker is ${server}: machines refuse it; update the broker first`;
    throw new Failure('broker_too_old', message, { details: { version: manifest.version } });
  }
  return manifest;
}

interface Judging {
  readonly keysPath: string;
  readonly nowMs: number;
  /** The version that it must be. */
  readonly version?: string;
  /** Version of the broker that machines have. Default: not compared. */
  readonly server?: string;
}
