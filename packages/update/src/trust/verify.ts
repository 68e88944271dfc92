/** Whose word a signed release is. Says nothing of whether it is good now: `judge.ts` does. */
import { createPublicKey, verify } from 'node:crypto';
import {
  publicKeyOf,
  type ReleaseManifest,
  readReleaseManifest,
  readSignedRelease,
  releaseSignedMaterial,
  signedReleaseBytesMax,
  type TrustedReleaseKey,
} from '@kanade/shared/release';
import { UpdateError } from '../fault/update-error.ts';

export interface ReleaseTrust {
  /** Whom this machine believes. */
  readonly keys: readonly TrustedReleaseKey[];
  /** Ids of keys that earlier releases have revoked. Default: none. */
  readonly revokedKeys?: Iterable<string>;
}

export interface VerifiedRelease {
  readonly manifest: ReleaseManifest;
  /** Keys that signed it and are believed. */
  readonly keyids: readonly string[];
}

/**
 * Verifies a signed release, as text or as its bytes. Nothing of the manifest is read before a signature holds.
 *
 * Throws UpdateError `release_invalid` (no envelope, too large, or a signed manifest that is none), `release_unsigned` (no signature of
 * a trusted key holds) and `release_revoked` (each key that signed it is revoked, by an earlier release or by this one).
 */
export function verifyRelease(
  envelope: string | Uint8Array,
  { keys, revokedKeys = [] }: ReleaseTrust,
): VerifiedRelease {
  if (envelope.length > signedReleaseBytesMax) throw invalid(`it is larger than ${signedReleaseBytesMax} bytes`);
  const read = readSignedRelease(typeof envelope === 'string' ? envelope : new TextDecoder().decode(envelope));
  if (!read.ok) throw invalid(read.reason);
  const { payload, signatures } = read.signed;
  const material = releaseSignedMaterial(payload);
  const signers = keys.filter((key) =>
    signatures.some(({ keyid, sig }) => keyid === key.keyid && isSignedBy(key, material, sig)),
  );
  if (signers.length === 0) {
    const named = signatures.map(({ keyid }) => JSON.stringify(keyid.slice(0, 128))).join(', ') || 'nobody';
    throw new UpdateError(
      'release_unsigned',
      `no signature of a trusted release key holds: signed by ${named}, trusted are ${keys.map(({ keyid }) => keyid).join(', ') || 'none'}`,
    );
  }
  const manifest = readReleaseManifest(payload);
  if (!manifest.ok) throw invalid(`its manifest: ${manifest.reason}`);
  const revoked = new Set([...revokedKeys, ...manifest.manifest.revoked_keys]);
  const keyids = signers.map(({ keyid }) => keyid).filter((keyid) => !revoked.has(keyid));
  if (keyids.length === 0) {
    const names = signers.map(({ keyid }) => keyid).join(', ');
    throw new UpdateError('release_revoked', `it is signed by ${names} alone, which is revoked`);
  }
  return { manifest: manifest.manifest, keyids };
}

const invalid = (why: string): UpdateError => new UpdateError('release_invalid', `no signed release: ${why}`);

function isSignedBy({ public_key }: TrustedReleaseKey, material: Uint8Array, signature: Uint8Array): boolean {
  const raw = publicKeyOf(public_key);
  if (raw === undefined) return false;
  const x = Buffer.from(raw).toString('base64url');
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  return verify(null, material, key, signature);
}
