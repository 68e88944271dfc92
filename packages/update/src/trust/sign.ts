/** Signing of a release: the only place where a release key is used. */
import { type KeyObject, sign } from 'node:crypto';
import {
  type ReleaseManifest,
  readReleaseManifest,
  releasePayloadType,
  releaseSignedMaterial,
} from '@kanade/shared/release';
import { UpdateError } from '../fault/update-error.ts';

/** A key with its private half. */
export interface ReleaseKey {
  readonly keyid: string;
  readonly privateKey: KeyObject;
}

/**
 * The text of a signed release. Throws UpdateError `release_invalid` for a manifest that no machine would take, and `key_invalid`
 * without a key or for a key that the manifest itself revokes.
 */
export function signRelease(manifest: ReleaseManifest, keys: readonly ReleaseKey[]): string {
  const payload = new TextEncoder().encode(JSON.stringify(manifest));
  const read = readReleaseManifest(payload);
  if (!read.ok) throw new UpdateError('release_invalid', `the manifest is not signed: ${read.reason}`);
  if (keys.length === 0) throw new UpdateError('key_invalid', 'the manifest is not signed: no key was given');
  const revoked = keys.find(({ keyid }) => manifest.revoked_keys.includes(keyid));
  if (revoked) throw new UpdateError('key_invalid', `the manifest is not signed: it revokes ${revoked.keyid} itself`);
  const material = releaseSignedMaterial(payload);
  const signatures = keys.map(({ keyid, privateKey }) => ({
    keyid,
    sig: sign(null, material, privateKey).toString('base64'),
  }));
  const envelope = { payloadType: releasePayloadType, payload: Buffer.from(payload).toString('base64'), signatures };
  return `${JSON.stringify(envelope, null, 2)}\n`;
}
