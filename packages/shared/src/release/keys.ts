/*
 * Public keys of those who sign releases, as an install brings them: apart from the ring for orders, because who may order may not
 * exchange the program.
 *
 *   { "kind": "kanade.release-keys.v1", "keys": [ { "keyid": "release-2026", "public_key": "<base64 of 32 bytes>", "label": "…" } ] }
 *
 * Strict, as everything that says whom to believe.
 */
import * as z from 'zod';
import { strictAs } from '../scalar/strict.ts';
import { isToken } from '../scalar/words.ts';
import { publicKeyOf } from '../signing/keyring.ts';

export const releaseKeysKind = 'kanade.release-keys.v1';
/** Bytes of such a file. */
export const releaseKeysBytesMax = 256 * 1024;
const releaseKeysMax = 64;

const TrustedReleaseKey = z.strictObject({
  keyid: z.string().refine(isToken, { error: 'must be a key id: letters, digits, _ . -' }),
  public_key: z.string().refine((text) => publicKeyOf(text) !== undefined, {
    error: 'must be the base64 of the 32 bytes of an Ed25519 public key',
  }),
  label: z.string().max(200).optional(),
});
/** A key whose signature under a release is believed. */
export type TrustedReleaseKey = z.infer<typeof TrustedReleaseKey>;

const ReleaseKeysFile = z.strictObject({
  kind: z.literal(releaseKeysKind),
  keys: z.array(TrustedReleaseKey).min(1).max(releaseKeysMax),
});

export type ReleaseKeysRead =
  | { readonly ok: true; readonly keys: readonly TrustedReleaseKey[] }
  | { readonly ok: false; readonly reason: string };

/** Reads a file of release keys. A key id twice is a fault. */
export function readReleaseKeys(text: string): ReleaseKeysRead {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { ok: false, reason: text.trim() === '' ? 'it is empty' : 'it is not JSON' };
  }
  const read = strictAs(ReleaseKeysFile, value);
  if (!read.ok) {
    const [first] = read.faults;
    return { ok: false, reason: `${first?.path} ${first?.message}`.trim() };
  }
  const ids = read.value.keys.map(({ keyid }) => keyid);
  const twice = ids.find((id, at) => ids.indexOf(id) !== at);
  return twice === undefined
    ? { ok: true, keys: read.value.keys }
    : { ok: false, reason: `key ${twice} is there twice` };
}

/** The text of such a file. */
export const writeReleaseKeys = (keys: readonly TrustedReleaseKey[]): string =>
  `${JSON.stringify({ kind: releaseKeysKind, keys }, null, 2)}\n`;
