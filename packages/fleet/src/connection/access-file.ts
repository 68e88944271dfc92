/**
 * The file that says how a broker is reached, for an agent or an operator:
 *
 *   servers: [tls://a.example:4222, tls://b.example:4222]
 *   token: …                           one of: token, user and password, creds, nkey
 *   user: … / password: …
 *   creds: agent.creds                 a signed user
 *   nkey: agent.nk                     an NKey seed
 *   tls: { ca: ca.pem, cert: agent.pem, key: agent-key.pem, first: true }
 *   inbox_prefix: _INBOX.mine          where answers come in; default: one of its own for each user
 *   command_keys: command-keys.json    key ring that orders from this broker are verified with, for an agent that was told of none
 *
 * Paths are relative to the file. One with a secret in it is for its owner alone.
 */
import { dirname, resolve } from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import { FleetError } from '../fault/fleet-error.ts';
import { readGuarded } from './guarded-file.ts';
import type { Login } from './server-address.ts';

/** Files of TLS, absolute. */
export interface TlsFiles {
  /** Whom we trust; default: the system's authorities. */
  readonly ca?: string;
  /** What we show when the broker asks. */
  readonly cert?: string;
  readonly key?: string;
  /** TLS from the first byte on (`handshake_first` of the broker). */
  readonly first?: boolean;
}

/** What one source says; all of it may be absent. */
export interface AccessParts {
  readonly servers?: string;
  readonly login: Login;
  readonly tls: TlsFiles;
  readonly inboxPrefix?: string;
  /** Key ring for orders, absolute. */
  readonly commandKeys?: string;
}

const loginKeys = ['token', 'user', 'password', 'creds', 'nkey'] as const;
const tlsKeys = ['ca', 'cert', 'key', 'first'] as const;
const keys = ['servers', ...loginKeys, 'tls', 'inbox_prefix', 'command_keys'] as const;

/** Reads it. Throws FleetError `connection_invalid`, `secret_unreadable` or `secret_exposed`, none of which repeats a value. */
export function readAccessFile(path: string): AccessParts {
  const what = 'the connection file';
  const open = tableIn(path, readGuarded(path, what, 'public'));
  // Its mode matters once there is something to hide in it; read anew, because it may have changed hands meanwhile.
  const isSecret = open.token !== undefined || open.password !== undefined || hasLogin(open.servers);
  const table = isSecret ? tableIn(path, readGuarded(path, what, 'secret')) : open;
  const { text, at, fail } = readers(path);
  const tls =
    table.tls === undefined ? {} : asTable(table.tls, tlsKeys, () => fail('tls must hold ca, cert, key, first'));
  if (tls.first !== undefined && typeof tls.first !== 'boolean') fail('tls.first must be true or false');
  const servers = table.servers;
  const isList = Array.isArray(servers) && servers.every((server) => typeof server === 'string');
  if (servers !== undefined && !isList && typeof servers !== 'string') fail('servers must be a list of addresses');
  return {
    ...given('servers', isList ? servers.join(',') : (servers as string | undefined)),
    login: {
      ...given('token', text('token', table.token)),
      ...given('user', text('user', table.user)),
      ...given('password', text('password', table.password)),
      ...given('creds', at('creds', table.creds)),
      ...given('nkey', at('nkey', table.nkey)),
    },
    tls: {
      ...given('ca', at('tls.ca', tls.ca)),
      ...given('cert', at('tls.cert', tls.cert)),
      ...given('key', at('tls.key', tls.key)),
      ...given('first', tls.first as boolean | undefined),
    },
    ...given('inboxPrefix', text('inbox_prefix', table.inbox_prefix)),
    ...given('commandKeys', at('command_keys', table.command_keys)),
  };
}

/** `{ [name]: value }`, or nothing where there is no value. */
export function given<N extends string, T>(name: N, value: T | undefined): { [K in N]?: T } {
  return (value === undefined ? {} : { [name]: value }) as { [K in N]?: T };
}

function readers(path: string) {
  const fail = (why: string): never => {
    throw new FleetError('connection_invalid', `the connection file ${path} cannot be used: ${why}`);
  };
  const text = (name: string, value: unknown): string | undefined => {
    if (value === undefined) return undefined;
    // Never the value itself: it may be the password.
    return typeof value === 'string' && value !== '' ? value : fail(`${name} must be a text, in quotes, and not empty`);
  };
  const at = (name: string, value: unknown): string | undefined => {
    const file = text(name, value);
    return file === undefined ? undefined : resolve(dirname(path), file);
  };
  return { text, at, fail };
}

function tableIn(path: string, bytes: Uint8Array): Partial<Record<(typeof keys)[number], unknown>> {
  const { fail } = readers(path);
  const lines = new LineCounter();
  const document = parseDocument(new TextDecoder().decode(bytes), { lineCounter: lines, prettyErrors: false });
  const [fault] = document.errors;
  // The parser's own words quote the line.
  if (fault) return fail(`line ${lines.linePos(fault.pos[0]).line} is no YAML`);
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 0 });
  } catch {
    return fail('it must hold no aliases');
  }
  return asTable(value ?? {}, keys, fail);
}

function asTable<K extends string>(
  value: unknown,
  known: readonly K[],
  fail: (why: string) => never,
): Partial<Record<K, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return fail('it must hold keys and values');
  const unknown = Object.keys(value).find((key) => !known.includes(key as K));
  // Whoever writes a password where a key belongs must not read it in a log.
  const named = unknown !== undefined && /^[a-z_]{1,20}$/i.test(unknown) ? ` ${unknown}` : '';
  if (unknown !== undefined) fail(`unknown key${named}; known are ${known.join(', ')}`);
  return value as Partial<Record<K, unknown>>;
}

const hasLogin = (servers: unknown): boolean => JSON.stringify(servers ?? '').includes('@');
