/** Keys and releases for tests. */
import { generateKeyPairSync } from 'node:crypto';
import type { ReleaseManifest, TrustedReleaseKey } from '@kanade/shared/release';
import type { ReleaseKey } from '@kanade/update';

export function newKey(keyid: string): ReleaseKey & { readonly trusted: TrustedReleaseKey } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const public_key = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64');
  return { keyid, privateKey, trusted: { keyid, public_key } };
}

/** A release of one executable; each field may be said otherwise. */
export const manifestOf = (over: Partial<ReleaseManifest> = {}): ReleaseManifest => ({
  kind: 'kanade.release.v1',
  version: '1.2.0',
  released_at: '2026-11-01T00:00:00Z',
  expires_at: '2027-02-01T00:00:00Z',
  version_floor: '1.0.0',
  revoked_keys: [],
  files: [{ name: 'kanade', kind: 'executable', platform: 'linux-x86_64', bytes: 5, sha256: 'ab'.repeat(32) }],
  ...over,
});
