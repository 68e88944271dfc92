/** The address rule: literal addresses only, this machine by default, elsewhere only with a token file and TLS. */
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { Failure } from '../answer/answer.ts';
import { UsageError } from '../call/command.ts';
import type { ListenGiven } from './options.ts';

export interface ListenPlace {
  readonly host: string;
  readonly port: number;
  readonly isLoopback: boolean;
  /** PEM texts; undefined: no TLS. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
  /** The origin whose pages may call; undefined: none may. */
  readonly allowOrigin: string | undefined;
}

/** True for an address that only this machine reaches. */
export const isLoopback = (host: string): boolean => (isIP(host) === 4 ? host.startsWith('127.') : host === '::1');

/**
 * Where the options say that it should listen. Throws `UsageError`, `serve_unsafe_bind`, `invalid_config`, `internal_error` for an
 * address that is none.
 */
export function listenPlaceOf(
  given: ListenGiven,
  portDefault: number,
  env: Readonly<Record<string, string | undefined>>,
): ListenPlace {
  if (given.bind !== undefined && given.port !== undefined)
    throw new UsageError('--bind and --port exclude each other');
  if ((given['tls-cert'] === undefined) !== (given['tls-key'] === undefined))
    throw new UsageError('--tls-cert and --tls-key belong together: give both');
  if (given.insecure && given['token-file'] !== undefined)
    throw new UsageError('--insecure and --token-file exclude each other: with a token file nothing is insecure');
  if ((given.port ?? 0) > portMax) throw new UsageError(`option --port must be at most ${portMax}: ${given.port}`);
  const address =
    given.bind === undefined
      ? { host: '127.0.0.1', port: given.port ?? portDefault }
      : addressOf(given.bind, portDefault);
  const place = { ...address, isLoopback: isLoopback(address.host), allowOrigin: originOf(given['allow-origin']) };
  if (!place.isLoopback) refuseUnsafe(place.host, given, env);
  return { ...place, tls: tlsOf(given) };
}

const portMax = 65_535;

function addressOf(bind: string, portDefault: number): { host: string; port: number } {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+)):(\d{1,5})$/.exec(bind);
  const host = match?.[1] ?? match?.[2] ?? '';
  const port = Number(match?.[3]);
  if (isIP(host) !== (match?.[1] ? 6 : 4) || !(port <= portMax))
    throw new Failure(
      'internal_error',
      `not an address: ${JSON.stringify(bind)}; give a literal one with its port, such as 127.0.0.1:${portDefault} or [::1]:${portDefault}`,
    );
  return { host: host.toLowerCase(), port };
}

/** Whoever listens for other machines has said how that is protected. */
function refuseUnsafe(host: string, given: ListenGiven, env: Readonly<Record<string, string | undefined>>): void {
  const isSafe = given['token-file'] !== undefined && given['tls-cert'] !== undefined;
  if (isSafe || (given.insecure && env.AGENT_EXEC_SERVE_TOKEN)) return;
  throw new Failure(
    'serve_unsafe_bind',
    `refused to listen on ${host}, which other machines reach: give --token-file and --tls-cert with --tls-key, or, ` +
      'if the network is yours alone, --insecure and AGENT_EXEC_SERVE_TOKEN (readable by whoever listens in)',
  );
}

function originOf(given: string | undefined): string | undefined {
  if (given === undefined || (URL.canParse(given) && new URL(given).origin === given && given !== 'null')) return given;
  const why = given === '*' ? 'every page of the web could run commands here' : 'it is no origin';
  throw new Failure(
    'invalid_config',
    `--allow-origin ${JSON.stringify(given)} is refused, ${why}: give scheme, host and port of one page, such as http://localhost:3000`,
  );
}

function tlsOf(given: ListenGiven): ListenPlace['tls'] {
  const { 'tls-cert': cert, 'tls-key': key } = given;
  return cert === undefined || key === undefined ? undefined : { cert: readPem(cert), key: readPem(key) };
}

function readPem(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new Failure('invalid_config', `could not read ${path}: ${(error as Error).message}`);
  }
}
