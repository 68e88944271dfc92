import { enrolledTag } from '@kanade/shared/fleet-words';
import {
  type Authenticator,
  credsAuthenticator,
  nkeyAuthenticator,
  nkeys,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
} from '@nats-io/transport-node';
import { FleetError } from '../fault/fleet-error.ts';
import { readGuarded } from './guarded-file.ts';
import type { Login } from './server-address.ts';

/** As whom we connect. Secrets stand in no field, so that a value that is printed by mistake holds none. */
export interface Identity {
  /** For people: `user "pc-1"`, `NKey UABC…`. */
  readonly shown: string;
  /** Part of the subject that answers to this user come to, where the user has one that can stand there. */
  readonly inbox: string | undefined;
  /** When its credentials end, ms since 1970, where they say so. */
  readonly expiresAtMs: number | undefined;
  /** The machine that they were made for when it was enrolled. */
  readonly enrolledAs: string | undefined;
  readonly authenticator: Authenticator | undefined;
}

export const nobody: Identity = {
  shown: 'no credentials',
  inbox: undefined,
  expiresAtMs: undefined,
  enrolledAs: undefined,
  authenticator: undefined,
};

/** The identity of a login. Reads its files. Throws FleetError `connection_invalid`, `secret_unreadable` or `secret_exposed`. */
export function identityOf(login: Login, from: string): Identity {
  const ways = [
    login.token !== undefined && 'a token',
    (login.user ?? login.password) !== undefined && 'a user',
    login.creds !== undefined && 'a .creds file',
    login.nkey !== undefined && 'an NKey',
  ].filter((way) => way !== false);
  const fail = (why: string): never => {
    throw new FleetError('connection_invalid', `${from} says in more than one way who we are: ${why}`);
  };
  if (ways.length > 1) return fail(`${ways.join(' and ')}; keep one`);
  if (login.token !== undefined) {
    return { ...nobody, shown: 'a token', authenticator: tokenAuthenticator(login.token) };
  }
  if (login.creds !== undefined) return signedUser(login.creds);
  if (login.nkey !== undefined) return keyUser(login.nkey);
  if (login.user === undefined) {
    if (login.password === undefined) return nobody;
    throw new FleetError('connection_invalid', `${from} has a password, and no user that it belongs to`);
  }
  return {
    ...nobody,
    shown: `user ${JSON.stringify(login.user)}`,
    inbox: /^[A-Za-z0-9_-]{1,128}$/.test(login.user) ? login.user : undefined,
    authenticator: usernamePasswordAuthenticator(login.user, login.password ?? ''),
  };
}

/** A file is read anew for each connection, so that credentials can be renewed; one that cannot be read then leaves the last ones. */
function renewing<T>(read: () => T): () => T {
  let last = read();
  return () => {
    try {
      last = read();
    } catch {
      // Being written just now: the broker will say whether the last ones still do.
    }
    return last;
  };
}

function keyUser(path: string): Identity {
  const seed = renewing(() => seedIn(path, readGuarded(path, 'the NKey file', 'secret')));
  const user = nkeys.fromSeed(seed()).getPublicKey();
  return { ...nobody, shown: `NKey ${user}`, inbox: user, authenticator: nkeyAuthenticator(seed) };
}

export function seedIn(path: string, bytes: Uint8Array): Uint8Array {
  const seed = /\bSU[A-Z2-7]{56}\b/.exec(new TextDecoder().decode(bytes))?.[0];
  try {
    const coded = new TextEncoder().encode(seed);
    nkeys.fromSeed(coded);
    return coded;
  } catch (error) {
    const why = 'it must hold the seed of a user, which begins with SU and has 58 characters';
    throw new FleetError('connection_invalid', `the NKey file cannot be used: ${path}: ${why}`, { cause: error });
  }
}

interface Claims {
  readonly sub?: unknown;
  readonly exp?: unknown;
  readonly name?: unknown;
  readonly nats?: { readonly tags?: unknown };
}

function signedUser(path: string): Identity {
  const read = (): { bytes: Uint8Array; claims: Claims } => {
    const bytes = readGuarded(path, 'the credentials file', 'secret');
    return { bytes, claims: claimsIn(path, bytes) };
  };
  const { claims } = read();
  const creds = renewing(() => read().bytes);
  const user = typeof claims.sub === 'string' && /^U[A-Z2-7]{55}$/.test(claims.sub) ? claims.sub : undefined;
  return {
    shown: `signed user ${JSON.stringify(claims.name ?? user ?? 'without a name')}`,
    inbox: user,
    expiresAtMs: typeof claims.exp === 'number' && claims.exp > 0 ? claims.exp * 1000 : undefined,
    enrolledAs: enrolledAs(claims),
    authenticator: credsAuthenticator(creds),
  };
}

/** Other signed users may share one name among many machines. */
function enrolledAs({ name, nats }: Claims): string | undefined {
  const isEnrolled = Array.isArray(nats?.tags) && nats.tags.includes(enrolledTag);
  return isEnrolled && typeof name === 'string' ? name : undefined;
}

/** What a `.creds` file says of its user. It is checked by the broker; here it only has to be one. */
function claimsIn(path: string, bytes: Uint8Array): Claims {
  const text = new TextDecoder().decode(bytes);
  try {
    const [, payload = ''] = /-+BEGIN NATS USER JWT-+\s+[\w-]+\.([\w-]+)\.[\w-]+\s+-+/.exec(text) ?? [];
    seedIn(path, bytes);
    return JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as Claims;
  } catch {
    const why = 'it must hold a user JWT and the seed of the user, as "nsc generate creds" writes them';
    throw new FleetError('connection_invalid', `the credentials file cannot be used: ${path}: ${why}`);
  }
}
