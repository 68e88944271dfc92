/**
 * What an enrolment leaves beside the connection file, and in which order, so that whoever is killed at any moment leaves the old one whole
 * or the new one whole:
 *
 *   enrolling.json          the key that is asked for (0600), before anybody is asked: who asks again is the same machine
 *   enrolled-XXXX/          credentials (0600), authorities of the broker, key ring: complete and on the disk before anything names it
 *   agent.yaml              put in place with a rename: this moment decides
 *   then                    what nothing names any more is removed
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { lookGuarded, replaceFile, syncDirectory } from '@kanade/durable/files';

/** What is written down of an enrolment. */
export interface EnrolledFiles {
  readonly servers: readonly string[];
  readonly tlsFirst: boolean;
  /** Text of the `.creds` file, of the authorities, of the key ring. */
  readonly creds: string;
  readonly ca: string | undefined;
  readonly keyring: string | undefined;
}

/** Where it stands now. */
export interface EnrolledPlaces {
  readonly connection: string;
  readonly creds: string;
  readonly keyring: string | undefined;
  /** A connection file that somebody wrote by hand, under its new name. */
  readonly kept: string | undefined;
}

/** A key that was asked for and is not yet in use. */
export interface PendingKey {
  readonly pc: string;
  readonly account: unknown;
  readonly seed: string;
}

const head = '# Written by "kanade agent enrol"; the next enrolment replaces it.\n';
const names = { creds: 'machine.creds', ca: 'ca.pem', keyring: 'command-keys.json' } as const;
const secret = { durable: true } as const;
const open = { durable: true, mode: 0o644 } as const;
const isOurs = (name: string): boolean => /^enrolled-[a-z0-9]+$/.test(name);

/** The text of the `.creds` that the connection file names, when an enrolment wrote it and nobody else can read it. */
export function enrolledCreds(connection: string): string | undefined {
  const dir = enrolledDir(connection);
  return dir && secretText(join(dirname(connection), dir, names.creds));
}

/** The folder that a connection file of ours names. */
function enrolledDir(connection: string): string | undefined {
  const found = lookGuarded(connection, { guard: 'public' });
  const text = found.ok ? new TextDecoder().decode(found.bytes) : '';
  return text.startsWith(head) ? /^creds: (enrolled-[a-z0-9]+)\//m.exec(text)?.[1] : undefined;
}

function secretText(path: string): string | undefined {
  const found = lookGuarded(path, { guard: 'secret', refusesLinks: true });
  return found.ok ? new TextDecoder().decode(found.bytes) : undefined;
}

const pendingPath = (connection: string): string => join(dirname(connection), 'enrolling.json');

/** The key that an enrolment which did not come to its end has asked for. */
export function readPending(connection: string): PendingKey | undefined {
  try {
    const { pc, account, seed } = JSON.parse(secretText(pendingPath(connection)) ?? '') as Partial<PendingKey>;
    return typeof pc === 'string' && typeof seed === 'string' ? { pc, account, seed } : undefined;
  } catch {
    return undefined; // none, or half of one
  }
}

/** Keeps it until {@link install}. */
export function keepPending(connection: string, key: PendingKey): void {
  mkdirSync(dirname(connection), { recursive: true, mode: 0o755 });
  replaceFile(pendingPath(connection), `${JSON.stringify(key)}\n`, secret);
}

/** Puts an enrolment in the place of what was there. */
export function install(connection: string, files: EnrolledFiles): EnrolledPlaces {
  const dir = dirname(connection);
  const name = `enrolled-${randomBytes(6).toString('hex')}`;
  const own = join(dir, name);
  mkdirSync(own, { mode: 0o755 });
  replaceFile(join(own, names.creds), files.creds, secret);
  if (files.ca !== undefined) replaceFile(join(own, names.ca), files.ca, open);
  if (files.keyring !== undefined) replaceFile(join(own, names.keyring), files.keyring, open);
  syncDirectory(dir);
  const kept = keepByHand(connection);
  replaceFile(connection, connectionText(name, files), secret);
  rmSync(pendingPath(connection), { force: true });
  for (const old of readdirSync(dir))
    if (isOurs(old) && old !== name) rmSync(join(dir, old), { recursive: true, force: true });
  const keyring = files.keyring === undefined ? undefined : join(own, names.keyring);
  return { connection, creds: join(own, names.creds), keyring, kept };
}

function connectionText(dir: string, { servers, tlsFirst, ca, keyring }: EnrolledFiles): string {
  const tls = [...(ca === undefined ? [] : [`ca: ${dir}/${names.ca}`]), ...(tlsFirst ? ['first: true'] : [])];
  return [
    `${head}servers: ${JSON.stringify(servers)}`,
    `creds: ${dir}/${names.creds}`,
    ...(tls.length === 0 ? [] : [`tls: { ${tls.join(', ')} }`]),
    ...(keyring === undefined ? [] : [`command_keys: ${dir}/${names.keyring}`]),
    '',
  ].join('\n');
}

/** A connection file that was written by hand stays under another name, as it was. */
function keepByHand(connection: string): string | undefined {
  if (!existsSync(connection) || readFileSync(connection, 'utf8').startsWith(head)) return undefined;
  const kept = `${connection}.before-enrolment`;
  replaceFile(kept, readFileSync(connection, 'utf8'), secret);
  return kept;
}
