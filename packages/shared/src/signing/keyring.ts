/*
 * The key ring: public keys that a machine verifies orders with. A JSON file, or every `*.json` file of a directory taken together:
 *
 *   { "kind": "kanade.keyring.v1",
 *     "enforcing": true,                     refuse orders without a good signature (default false: they run and are reported)
 *     "keys": [ { "kid": "ops-2026",         the key id in the header `Kanade-Sig-Kid`
 *                 "public_key": "<base64>",  32 raw bytes, Ed25519
 *                 "label": "operators",      for people (optional)
 *                 "max_age": "10m",          signatures older than this are stale (optional; break-glass keys have one)
 *                 "audit_every_use": true    report each use, not only refusals (optional) } ] }
 *
 * Strict, because it says whom to obey: an unknown field, a key id twice, a key that is none, no file at all are faults, and whoever
 * reads a ring with a fault takes no order. A ring without keys verifies nothing and so cannot be enforcing.
 */
import * as z from 'zod';
import { strictAs } from '../scalar/strict.ts';
import { Humantime } from '../scalar/time.ts';
import { isToken, parseHumantime } from '../scalar/words.ts';
import { bytesOfBase64 } from './signature.ts';
import type { KeyPolicy } from './verify-command.ts';

export const keyringKind = 'kanade.keyring.v1';
/** Keys of one ring. */
export const keyringKeysMax = 256;
/** Bytes of one file of a ring. */
export const keyringBytesMax = 256 * 1024;
/** Files of a ring that is a directory. */
export const keyringFilesMax = 64;

const publicKeyBytes = 32;

/** A fault that repeats nothing of what stands there: somebody may have named a file of another kind, with a secret in it. */
const says = (text: string) => ({
  error: ({ code, input }: { readonly code?: string; readonly input?: unknown }) =>
    input !== undefined && (code === 'invalid_type' || code === 'invalid_value') ? text : undefined,
});

/** A public key that is trusted, and for what. */
const TrustedKey = z.strictObject(
  {
    kid: z.string(says('must be a key id')).refine(isToken, { error: 'must be a key id: letters, digits, _ . -' }),
    public_key: z.string(says('must be text')).refine((text) => publicKeyOf(text) !== undefined, {
      error: 'must be the base64 of the 32 bytes of an Ed25519 public key',
    }),
    label: z.string().max(200).optional(),
    max_age: Humantime.optional(),
    audit_every_use: z.boolean().optional(),
  },
  says('must be an object'),
);
export type TrustedKey = z.infer<typeof TrustedKey>;

const KeyringFile = z.strictObject(
  {
    kind: z.literal(keyringKind, says(`must be ${JSON.stringify(keyringKind)}`)),
    enforcing: z.boolean().optional(),
    keys: z.array(TrustedKey, says('must be a list of keys')).max(keyringKeysMax),
  },
  says('must be an object'),
);
export type KeyringFile = z.infer<typeof KeyringFile>;

export type KeyringRead =
  | { readonly ok: true; readonly keys: readonly TrustedKey[]; readonly enforcing: boolean }
  | { readonly ok: false; readonly reason: string };

/** Reads the files of a ring as one. `name` is how a fault names the file. Enforcing when one of them says so. */
export function readKeyring(files: readonly { readonly name: string; readonly text: string }[]): KeyringRead {
  if (files.length === 0) return { ok: false, reason: 'no file of a key ring is there' };
  const keys = new Map<string, TrustedKey>();
  let enforcing = false;
  for (const { name, text } of files) {
    const read = readFile(text);
    if ('reason' in read) return { ok: false, reason: `${name}: ${read.reason}` };
    enforcing ||= read.enforcing === true;
    for (const key of read.keys) {
      if (keys.has(key.kid)) return { ok: false, reason: `${name}: key ${key.kid} is there twice` };
      keys.set(key.kid, key);
    }
  }
  if (keys.size > keyringKeysMax)
    return { ok: false, reason: `the ring has ${keys.size} keys: the limit is ${keyringKeysMax}` };
  if (enforcing && keys.size === 0) return { ok: false, reason: 'the ring is enforcing and has no key' };
  return { ok: true, keys: [...keys.values()], enforcing };
}

function readFile(text: string): KeyringFile | { reason: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { reason: text.trim() === '' ? 'it is empty' : 'it is not JSON' };
  }
  const read = strictAs(KeyringFile, value);
  if (read.ok) return read.value;
  const [first] = read.faults;
  return { reason: `${first?.path} ${first?.message}`.trim() };
}

/** What the key may be used for. */
export function keyPolicy({ kid, label = kid, max_age, audit_every_use = false }: TrustedKey): KeyPolicy {
  const maxAgeMs = max_age === undefined ? undefined : parseHumantime(max_age);
  return { label, ...(maxAgeMs === undefined ? {} : { maxAgeMs }), auditEveryUse: audit_every_use };
}

/**
 * The raw bytes of a public key; undefined for what is none. Points of small order are none: anybody can make a signature that fits
 * them, and a file full of zeros would be one.
 */
export function publicKeyOf(text: string): Uint8Array | undefined {
  const bytes = bytesOfBase64(text);
  if (bytes?.length !== publicKeyBytes) return undefined;
  const y = [...bytes].map((byte, at) => (at === publicKeyBytes - 1 ? byte & 0x7f : byte));
  const hex = y.map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return smallOrder.has(hex) ? undefined : bytes;
}

/** The y coordinates of all points of order 1, 2, 4 and 8, in every spelling, without the bit for the sign of x. */
const smallOrder: ReadonlySet<string> = new Set([
  '00'.repeat(32),
  `01${'00'.repeat(31)}`,
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  `ec${'ff'.repeat(30)}7f`,
  `ed${'ff'.repeat(30)}7f`,
  `ee${'ff'.repeat(30)}7f`,
]);
