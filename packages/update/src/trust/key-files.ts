/*
 * Files of release keys:
 *
 *   <keyid>.pem                private key, PKCS#8 as `openssl genpkey -algorithm ed25519` writes it, 0600; kept off the network
 *   release-keys.json          public keys that an install believes, for everybody to read and nobody to write
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { exposureOfDirectory, lookGuarded, writePrivateFile } from '@kanade/durable/files';
import { isToken, readReleaseKeys, releaseKeysBytesMax, type TrustedReleaseKey } from '@kanade/shared/release';
import { UpdateError } from '../fault/update-error.ts';
import type { ReleaseKey } from './sign.ts';

/** A release key as it was made; nothing in it is secret. */
export interface NewReleaseKey {
  readonly trusted: TrustedReleaseKey;
  /** Where its private half is. */
  readonly path: string;
}

const suffix = '.pem';
const keyBytesMax = 16 * 1024;

/**
 * Makes an Ed25519 key as `<dir>/<keyid>.pem`; the directory is made for its owner alone. Throws UpdateError `key_invalid` (an id that is
 * none), `key_exists`, `key_unsafe` (a directory that others can change).
 */
export function createReleaseKey({ dir, keyid }: { readonly dir: string; readonly keyid: string }): NewReleaseKey {
  if (!isToken(keyid))
    throw new UpdateError('key_invalid', `a key id has letters, digits, _ . and - only: ${JSON.stringify(keyid)}`);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const exposure = exposureOfDirectory(dir);
  if (exposure !== undefined) throw new UpdateError('key_unsafe', `${dir} is not used: ${exposure}`);
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const path = join(dir, `${keyid}${suffix}`);
  if (!writePrivateFile(path, privateKey.export({ format: 'pem', type: 'pkcs8' }) as string))
    throw new UpdateError('key_exists', `there is a release key ${keyid} already: ${path}`);
  return { trusted: trustedOf(keyid, publicKey), path };
}

/**
 * The key in `<keyid>.pem`, with what a machine is told to trust of it. Throws UpdateError `keys_missing`, `key_unsafe` (a link, another
 * owner, a mode that lets others read it) and `key_invalid`.
 */
export function openReleaseKey(path: string): ReleaseKey & { readonly trusted: TrustedReleaseKey } {
  const name = basename(path);
  const keyid = name.endsWith(suffix) ? name.slice(0, -suffix.length) : '';
  if (!isToken(keyid)) throw new UpdateError('key_invalid', `a release key is named <keyid>${suffix}: ${path}`);
  const found = lookGuarded(path, { guard: 'secret', bytesMax: keyBytesMax, refusesLinks: true });
  if (!found.ok) {
    const code =
      found.fault === 'missing' ? 'keys_missing' : found.fault === 'too_large' ? 'key_invalid' : 'key_unsafe';
    throw new UpdateError(code, `release key ${path} is not used: ${found.why}`, { cause: found.cause });
  }
  const privateKey = privateKeyOf(found.bytes, path);
  return { keyid, privateKey, trusted: trustedOf(keyid, createPublicKey(privateKey)) };
}

/**
 * The keys that an install believes. Throws UpdateError `keys_missing` and `keys_invalid`: also for a file that others than its owner, us
 * or root can write.
 */
export function loadReleaseKeys(path: string): readonly TrustedReleaseKey[] {
  const found = lookGuarded(path, { guard: 'public', bytesMax: releaseKeysBytesMax });
  if (!found.ok) {
    const code = found.fault === 'missing' ? 'keys_missing' : 'keys_invalid';
    throw new UpdateError(code, `release keys ${path}: ${found.why}`, { cause: found.cause });
  }
  const read = readReleaseKeys(new TextDecoder().decode(found.bytes));
  if (!read.ok) throw new UpdateError('keys_invalid', `release keys ${path}: ${read.reason}`);
  return read.keys;
}

function privateKeyOf(pem: Uint8Array, path: string): KeyObject {
  const fault = (why: string) => new UpdateError('key_invalid', `${path} is no Ed25519 private key: ${why}`);
  let key: KeyObject;
  try {
    key = createPrivateKey(Buffer.from(pem));
  } catch {
    throw fault('it cannot be read as PEM'); // without the words of the reader, which may repeat some of it
  }
  if (key.asymmetricKeyType !== 'ed25519') throw fault(`it is ${key.asymmetricKeyType ?? 'something else'}`);
  return key;
}

const trustedOf = (keyid: string, key: KeyObject): TrustedReleaseKey => ({
  keyid,
  public_key: key.export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64'),
});
