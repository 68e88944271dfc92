/** NKeys of an authority, a file each. */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { writePrivateFile } from '@kanade/durable/files';
import { nkeys } from '@nats-io/transport-node';
import { readGuarded } from '../connection/guarded-file.ts';
import { FleetError } from '../fault/fleet-error.ts';
import { openPrivateDir } from '../keys/private-file.ts';

export type NKey = ReturnType<typeof nkeys.createUser>;

/** `O`, `A` and `U`: an operator of the broker, an account on it, a user of that. */
export type NKeyKind = 'O' | 'A' | 'U';

const make = { O: nkeys.createOperator, A: nkeys.createAccount, U: nkeys.createUser } as const;

const decoder = new TextDecoder();

/** The key in a file. Throws FleetError `secret_unreadable`, `secret_exposed`, and `connection_invalid` for what is no such key. */
export function readNKey(path: string, kind: NKeyKind): NKey {
  const seed = new RegExp(`\\bS${kind}[A-Z2-7]{56}\\b`).exec(
    decoder.decode(readGuarded(path, 'the NKey file', 'secret')),
  );
  return nkeyOf(seed?.[0] ?? '', path, kind);
}

/** The same, and it is made where no file is (0600). */
export function openNKey(path: string, kind: NKeyKind): NKey {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  openPrivateDir(dirname(path));
  writePrivateFile(path, `${seedOf(make[kind]())}\n`);
  return readNKey(path, kind);
}

export const newUser = (): NKey => make.U();

export const seedOf = (key: NKey): string => decoder.decode(key.getSeed());

/** The key of a seed. `from` says where that stood. */
export function nkeyOf(seed: string, from: string, kind: NKeyKind): NKey {
  try {
    const key = nkeys.fromSeed(new TextEncoder().encode(seed));
    if (key.getPublicKey().startsWith(kind)) return key;
  } catch {
    // said below, and never with the seed
  }
  throw new FleetError('connection_invalid', `${from} holds no NKey seed that begins with S${kind}`);
}

/** Whether the key `publicKey` has signed these bytes. False for what is no key, or no signature. */
export function isSignedBy(publicKey: string, bytes: Uint8Array, signature: string): boolean {
  try {
    return nkeys.fromPublic(publicKey).verify(bytes, Buffer.from(signature, 'base64'));
  } catch {
    return false;
  }
}
