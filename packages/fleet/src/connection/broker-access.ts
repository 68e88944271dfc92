/** How a broker is reached: where, as whom, whom to trust. The one place that knows for the agent and for operators. */

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { connectionFile } from '@kanade/shared/local-words';
import type { ConnectionOptions } from '@nats-io/transport-node';
import { FleetError } from '../fault/fleet-error.ts';
import { type AccessParts, given, readAccessFile, type TlsFiles } from './access-file.ts';
import { readGuarded } from './guarded-file.ts';
import { type Identity, identityOf } from './identity.ts';
import { type Login, parseAddresses, type ServerAddress } from './server-address.ts';

/** Everything that is needed to connect. May be printed and logged: what is secret stands in no field of it. */
export interface BrokerAccess {
  /** `nats://host:port` or `tls://host:port`; none = no broker. */
  readonly servers: readonly string[];
  /** As whom, for people. */
  readonly identity: string;
  /** Where answers come in. Every user has a prefix of its own, so that a broker can keep others from listening. */
  readonly inboxPrefix: string;
  /** When the credentials end, ms since 1970, where they say so. */
  readonly expiresAtMs?: number;
  /** The machine that these credentials were made for, where it was enrolled. */
  readonly enrolledAs?: string;
  /** Key ring for orders that the connection file names, absolute. */
  readonly commandKeys?: string;
  /** What the client library must be told. Reads the files of TLS; throws FleetError. */
  toOptions(): Pick<ConnectionOptions, 'servers' | 'authenticator' | 'tls' | 'inboxPrefix'>;
}

/** What a program was told, and by whom it runs. */
export interface AccessRequest {
  /** Whose connection file is looked for: `agent.yaml` or `operator.yaml`. */
  readonly role: 'agent' | 'operator';
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Addresses from arguments; they must hold no credentials. */
  readonly servers?: readonly string[] | undefined;
  /** Connection file from an argument. */
  readonly file?: string | undefined;
  /** Addresses of a configuration file: behind arguments and environment, before the connection file. `from` names their place. */
  readonly configured?: { readonly servers: string; readonly from: string } | undefined;
  /** Where to connect when nobody says. */
  readonly serverDefault?: string;
  readonly isRoot: boolean;
  readonly home: string;
  readonly cwd: string;
}

const anyInbox = '_INBOX';

/**
 * Finds out how to connect: arguments before the environment before a configuration file before the connection file, for addresses, login, TLS and the
 * inbox each on its own. Throws FleetError `connection_invalid`, `secret_unreadable` or `secret_exposed`; no message holds a secret.
 */
export function readBrokerAccess(request: AccessRequest): BrokerAccess {
  const { env, cwd } = request;
  const path = accessFilePath(request);
  const file: AccessParts = path === undefined ? { login: {}, tls: {} } : readAccessFile(path);
  const at = (name: string): string | undefined => (env[name] ? resolve(cwd, env[name]) : undefined);
  const envLogin: Login = {
    ...given('token', env.KANADE_NATS_TOKEN || undefined),
    ...given('user', env.KANADE_NATS_USER || undefined),
    ...given('password', env.KANADE_NATS_PASSWORD || undefined),
    ...given('creds', at('KANADE_NATS_CREDS')),
    ...given('nkey', at('KANADE_NATS_NKEY')),
  };
  const envTls: TlsFiles = {
    ...given('ca', at('KANADE_NATS_CA')),
    ...given('cert', at('KANADE_NATS_CERT')),
    ...given('key', at('KANADE_NATS_KEY')),
  };
  const addresses = addressesIn(request, file, path);
  const logins = distinctLogins(addresses);
  const isInEnv = Object.keys(envLogin).length > 0;
  if (logins.length > 1 || (isInEnv && logins.length > 0)) {
    const why = isInEnv ? 'the environment and an address' : 'the addresses';
    throw new FleetError('connection_invalid', `${why} say in more than one way who we are: keep one`);
  }
  const identity = isInEnv
    ? identityOf(envLogin, 'the environment')
    : identityOf(logins[0] ?? file.login, logins[0] ? 'an address' : 'the connection file');
  return accessOf(addresses, identity, {
    tls: { ...file.tls, ...envTls },
    ...given('inboxPrefix', file.inboxPrefix),
    ...given('commandKeys', file.commandKeys),
  });
}

/** The access of values that somebody holds already: a library, a test. */
export function literalAccess(servers: string | readonly string[], login: Login): BrokerAccess {
  const addresses = parseAddresses([servers].flat().join(','), 'the caller');
  const [own = login] = distinctLogins(addresses);
  return accessOf(addresses, identityOf(own, 'the caller'), { tls: {} });
}

/** The connection file: the one that is named, which must be there, else that of the role, if it is. */
function accessFilePath({ role, file, cwd, ...around }: AccessRequest): string | undefined {
  const path = resolve(cwd, file ?? connectionFile(role, around.env, around));
  const isNamed = file !== undefined || around.env.KANADE_NATS_CONFIG;
  return isNamed || existsSync(path) ? path : undefined;
}

function addressesIn(request: AccessRequest, file: AccessParts, path: string | undefined) {
  const { env, servers, configured, serverDefault } = request;
  if (servers && servers.length > 0) {
    const found = parseAddresses(servers.join(','), 'the arguments');
    if (!found.some(({ login }) => login)) return found;
    const how = 'everybody can read a command line; use the environment or a connection file';
    throw new FleetError('connection_invalid', `an address in an argument must hold no credentials: ${how}`);
  }
  if (env.KANADE_NATS_URL) return parseAddresses(env.KANADE_NATS_URL, 'KANADE_NATS_URL');
  if (configured) return parseAddresses(configured.servers, configured.from);
  if (file.servers) return parseAddresses(file.servers, `the connection file ${path}`);
  return parseAddresses(serverDefault ?? '', 'the default');
}

function distinctLogins(addresses: readonly ServerAddress[]): Login[] {
  const logins = addresses.flatMap(({ login }) => login ?? []);
  return [...new Map(logins.map((login) => [JSON.stringify(login), login])).values()];
}

interface AccessDetails {
  readonly tls: TlsFiles;
  readonly inboxPrefix?: string;
  readonly commandKeys?: string;
}

function accessOf(
  addresses: readonly ServerAddress[],
  { shown, inbox, expiresAtMs, enrolledAs, authenticator }: Identity,
  { tls, inboxPrefix, commandKeys }: AccessDetails,
): BrokerAccess {
  const prefix = inboxPrefix ?? (inbox === undefined ? anyInbox : `${anyInbox}.${inbox}`);
  if (!/^[A-Za-z0-9_$-]+(\.[A-Za-z0-9_$-]+)*$/.test(prefix)) {
    throw new FleetError('connection_invalid', `inbox_prefix cannot begin a subject: ${JSON.stringify(prefix)}`);
  }
  if ((tls.cert === undefined) !== (tls.key === undefined)) {
    throw new FleetError('connection_invalid', 'a client certificate needs its key, and a key its certificate');
  }
  const servers = addresses.map(({ url }) => url);
  const wantsTls = addresses.some(({ isTls }) => isTls) || Object.keys(tls).length > 0;
  return {
    servers,
    identity: shown,
    inboxPrefix: prefix,
    ...given('expiresAtMs', expiresAtMs),
    ...given('enrolledAs', enrolledAs),
    ...given('commandKeys', commandKeys),
    toOptions: () => ({
      servers,
      inboxPrefix: prefix,
      ...given('authenticator', authenticator),
      ...(wantsTls ? { tls: readTls(tls) } : {}),
    }),
  };
}

function readTls({ ca, cert, key, first }: TlsFiles): NonNullable<ConnectionOptions['tls']> {
  const text = (path: string, what: string, guard: 'public' | 'secret'): string =>
    new TextDecoder().decode(readGuarded(path, what, guard));
  return {
    ...given('ca', ca && text(ca, 'the file of trusted authorities', 'public')),
    ...given('cert', cert && text(cert, 'the client certificate', 'public')),
    ...given('key', key && text(key, 'the key of the client certificate', 'secret')),
    ...given('handshakeFirst', first || undefined),
  };
}
