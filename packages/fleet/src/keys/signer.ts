/** The key that orders are signed with. */
import { type KeyObject, sign } from 'node:crypto';
import { type KeyPolicy, keyPolicy, signedMaterial, writeSignatureHeaders } from '@kanade/shared/fleet';
import { FleetError } from '../fault/fleet-error.ts';
import { type KeyEntry, listKeys, readKey } from './key-files.ts';

export interface Signer {
  readonly kid: string;
  /** `kid:fingerprint`, as heartbeats name it. */
  readonly commandKey: string;
  readonly policy: KeyPolicy;
  /** The headers of a signature over the body as it travels. */
  sign(body: Uint8Array, nowMs: number): Record<string, string>;
}

/**
 * The key of that name; without one the only ordinary key of the directory, else its only key; undefined where there is none. A key
 * with a maximum age is for emergencies and signs by itself only where it is alone. Throws FleetError `key_not_found`, `key_unsafe`,
 * `key_invalid`, and `key_ambiguous` when several could be meant.
 */
export function openSigner(dir: string, kid?: string): Signer | undefined {
  const chosen = kid ?? choose(dir);
  if (chosen === undefined) return undefined;
  const { entry, privateKey } = readKey(dir, chosen);
  return signerOf(entry, privateKey);
}

function choose(dir: string): string | undefined {
  const keys = listKeys(dir);
  // One that cannot be used may be the one that is meant: an order without its signature would be a surprise.
  for (const key of keys) if ('fault' in key) throw key.fault;
  const entries = keys as KeyEntry[];
  const ordinary = entries.filter(({ trusted }) => trusted.max_age === undefined);
  const candidates = ordinary.length > 0 ? ordinary : entries;
  if (candidates.length > 1) {
    const kids = candidates.map((entry) => entry.kid).join(', ');
    throw new FleetError('key_ambiguous', `several keys could sign: ${kids}; say which one`);
  }
  return candidates[0]?.kid;
}

function signerOf({ kid, commandKey, trusted }: KeyEntry, privateKey: KeyObject): Signer {
  return {
    kid,
    commandKey,
    policy: keyPolicy(trusted),
    sign: (body, nowMs) =>
      writeSignatureHeaders({ kid, atMs: nowMs, bytes: sign(null, signedMaterial(nowMs, body), privateKey) }),
  };
}
