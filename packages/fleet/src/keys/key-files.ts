/*
 * Keys of one operator: a directory (0700) with two files per key.
 *
 *   <kid>.pem        private key, PKCS#8 as `openssl genpkey -algorithm ed25519` writes it, 0600
 *   <kid>.pub.json   what a key ring says of it (`TrustedKey`), for everybody
 *
 * The private file is written first and exclusively, so its name is taken once; what is public can be made of it again.
 */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lookGuarded, writePrivateFile } from '@kanade/durable/files';
import {
  base64OfBytes,
  commandKey,
  isToken,
  keyringBytesMax,
  keyringKind,
  publicKeyOf,
  readKeyring,
  type TrustedKey,
} from '@kanade/shared/fleet';
import { FleetError } from '../fault/fleet-error.ts';
import { checkPrivateDir, openPrivateDir, readPrivateFile } from './private-file.ts';

/** How long a signature of a break-glass key is good unless it is said otherwise, as humantime. */
export const keyAgeDefault = '10m';
/** Keys that are listed. */
const keysMax = 1_000;

export interface NewKey {
  readonly dir: string;
  /** Its name in headers and rings: letters, digits, `_ . -`. */
  readonly kid: string;
  readonly label?: string | undefined;
  /** How long its signatures are good, as humantime; without it for as long as the broker keeps orders. */
  readonly maxAge?: string | undefined;
  /** Machines report each use of it. */
  readonly auditEveryUse?: boolean | undefined;
}

/** A key of this operator; nothing in it is secret. */
export interface KeyEntry {
  readonly kid: string;
  /** `kid:fingerprint`, as heartbeats name it. */
  readonly commandKey: string;
  readonly trusted: TrustedKey;
  /** Where the private key is. */
  readonly path: string;
}

/**
 * Makes an Ed25519 key. Throws FleetError `invalid_id`, `key_exists`, `key_unsafe` (the directory), `key_invalid` (an age that is
 * none).
 */
export function createKey({ dir, kid, label, maxAge, auditEveryUse }: NewKey): KeyEntry {
  const paths = pathsOf(dir, kid);
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const trusted = checkTrusted(
    {
      kid,
      public_key: base64OfBytes(rawOf(publicKey)),
      ...(label === undefined ? {} : { label }),
      ...(maxAge === undefined ? {} : { max_age: maxAge }),
      ...(auditEveryUse ? { audit_every_use: true } : {}),
    },
    `key ${kid}`,
  );
  openPrivateDir(dir);
  if (!writePrivateFile(paths.pem, privateKey.export({ format: 'pem', type: 'pkcs8' }) as string)) {
    throw new FleetError('key_exists', `there is a key ${kid} already: ${paths.pem}`);
  }
  writeFileSync(paths.pub, `${JSON.stringify(trusted, null, 2)}\n`, { mode: 0o644 });
  return entryOf(trusted, paths.pem);
}

/** The keys of the directory by name, and those that cannot be used with why not; empty where no directory is. */
export function listKeys(dir: string): (KeyEntry | { readonly kid: string; readonly fault: FleetError })[] {
  if (!existsSync(dir)) return [];
  checkPrivateDir(dir);
  const kids = readdirSync(dir)
    .filter((name) => name.endsWith('.pem'))
    .map((name) => name.slice(0, -'.pem'.length))
    .filter(isToken)
    .sort()
    .slice(0, keysMax);
  return kids.map((kid) => {
    try {
      return readKey(dir, kid).entry;
    } catch (error) {
      if (error instanceof FleetError) return { kid, fault: error };
      throw error;
    }
  });
}

/** Removes a key of this operator for good. Throws FleetError `key_not_found`. Rings that trust it go on doing so. */
export function removeKey(dir: string, kid: string): void {
  const paths = pathsOf(dir, kid);
  if (!existsSync(paths.pem)) throw new FleetError('key_not_found', `there is no key at ${paths.pem}`);
  rmSync(paths.pem);
  rmSync(paths.pub, { force: true });
}

/** A key with its private half. Throws FleetError `key_not_found`, `key_unsafe`, `key_invalid`. */
export function readKey(dir: string, kid: string): { readonly entry: KeyEntry; readonly privateKey: KeyObject } {
  const paths = pathsOf(dir, kid);
  if (existsSync(dir)) checkPrivateDir(dir);
  const privateKey = privateKeyOf(readPrivateFile(paths.pem), paths.pem);
  const public_key = base64OfBytes(rawOf(createPublicKey(privateKey)));
  const said = existsSync(paths.pub) ? readTrusted(paths.pub) : { kid, public_key };
  if (said.kid !== kid || said.public_key !== public_key)
    throw new FleetError('key_invalid', `${paths.pub} does not belong to ${paths.pem}: it tells of another key`);
  return { entry: entryOf(said, paths.pem), privateKey };
}

/** Reads what `<kid>.pub.json` says. Throws FleetError `key_not_found`, `key_invalid`. */
export function readTrusted(path: string): TrustedKey {
  const found = lookGuarded(path, { guard: 'any', bytesMax: keyringBytesMax });
  if (!found.ok && found.fault === 'missing')
    throw new FleetError('key_not_found', `there is no public key at ${path}`);
  if (!found.ok) throw new FleetError('key_invalid', `${path} cannot be read: ${found.why}`, { cause: found.cause });
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(found.bytes));
  } catch {
    // Not with the words of the reader: somebody may have named the wrong file, and they repeat what it holds.
    throw new FleetError('key_invalid', `${path} cannot be read: it is not JSON`);
  }
  return checkTrusted(value, path);
}

function checkTrusted(value: unknown, name: string): TrustedKey {
  const read = readKeyring([{ name, text: JSON.stringify({ kind: keyringKind, keys: [value] }) }]);
  if (!read.ok) throw new FleetError('key_invalid', read.reason.replace('keys.0.', ''));
  return read.keys[0] as TrustedKey;
}

function privateKeyOf(pem: string, path: string): KeyObject {
  const fault = (why: string, cause?: unknown) =>
    new FleetError('key_invalid', `${path} is no Ed25519 private key: ${why}`, { cause });
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch (error) {
    throw fault('it cannot be read as PEM', error); // the cause names no part of the key
  }
  if (key.asymmetricKeyType !== 'ed25519') throw fault(`it is ${key.asymmetricKeyType ?? 'something else'}`);
  return key;
}

function pathsOf(dir: string, kid: string): { readonly pem: string; readonly pub: string } {
  if (!isToken(kid))
    throw new FleetError('invalid_id', `a key id has letters, digits, _ . and - only: ${JSON.stringify(kid)}`);
  return { pem: join(dir, `${kid}.pem`), pub: join(dir, `${kid}.pub.json`) };
}

function entryOf(trusted: TrustedKey, path: string): KeyEntry {
  return { kid: trusted.kid, commandKey: commandKeyOf(trusted), trusted, path };
}

/** `kid:fingerprint` of a public key. */
export function commandKeyOf({ kid, public_key }: TrustedKey): string {
  return commandKey(
    kid,
    createHash('sha256')
      .update(publicKeyOf(public_key) ?? '')
      .digest(),
  );
}

/** The 32 bytes at the end of its DER form. */
const rawOf = (key: KeyObject): Uint8Array => key.export({ format: 'der', type: 'spki' }).subarray(-32);
