/**
 * Who says which users a broker lets in, as files below one directory:
 *
 *   authority/operator.nk, account.nk, system.nk   the root of it all: whoever has these makes anybody. For the administrator alone.
 *   authority/operator.jwt, system.jwt             what the broker trusts, and its own account
 *   authority/roles/ROLE.nk                        keys that sign users of one role each; the account says what such a user may do
 *   authority/system.creds                         a user of the broker's own account, who brings it the list of ended credentials
 *   authority/ended/UABC…                          one file for each key whose credentials ended, with the time in seconds since 1970
 *   enrol/account                                  the account's public key
 *   enrol/issuer.nk, issuer.creds                  for `fleet enrol serve`: signs machines, and nobody else
 *   enrol/tokens.nk                                for `fleet enrol-token create`: signs users that may ask to be enrolled
 *   operator.creds, read-only.creds, break-glass.creds   users
 *
 * A key of a role signs users with exactly the permissions that the account lists for it, with `{{name()}}` and `{{subject()}}` in the
 * place of the machine and of the user's own key: so permissions of a later version reach everybody by a new account alone.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writePrivateFile } from '@kanade/durable/files';
import { encodeAccount, encodeOperator, encodeUser, fmtCreds, newScopedSigner, type User } from '@nats-io/jwt';
import { given } from '../connection/access-file.ts';
import { FleetError } from '../fault/fleet-error.ts';
import { openPrivateDir } from '../keys/private-file.ts';
import { permissionsOf, type Role } from '../roles/permissions.ts';
import { type NKey, newUser, openNKey, readNKey } from './nkey-file.ts';

/** Roles of people and programs that get a user when an authority is made: role → where its `.creds` go. */
const people = {
  operator: 'operator.creds',
  'read-only': 'read-only.creds',
  'break-glass': 'break-glass.creds',
  issuer: 'enrol/issuer.creds',
} as const satisfies Partial<Record<Role['kind'], string>>;

/** Stands for the machine until the broker puts in the name of a user. */
const machine = 'name-of-the-machine';

export interface BrokerAuthority {
  readonly dir: string;
  /** Public key of the account of the fleet, and of the broker's own. */
  readonly account: string;
  readonly systemAccount: string;
  /** What the broker trusts. */
  readonly operatorJwt: string;
  readonly systemJwt: string;
  /** The account as it is now, with the credentials that ended. */
  accountJwt(): Promise<string>;
  /** Ends the credentials of a key; which is in {@link accountJwt} from then on. */
  end(publicKey: string): void;
}

/** What was made of an authority; the rest was there. */
export interface OpenedAuthority extends BrokerAuthority {
  readonly made: number;
}

const at = (dir: string, ...names: string[]): string => join(dir, 'authority', ...names);
const endedDir = (dir: string): string => at(dir, 'ended');

/** The authority below `dir`, whose missing parts are made. Throws FleetError for files and directories that others could read or change. */
export async function openAuthority(dir: string): Promise<OpenedAuthority> {
  openPrivateDir(dir);
  for (const name of ['authority', 'enrol']) openPrivateDir(join(dir, name));
  openPrivateDir(endedDir(dir));
  const account = openNKey(at(dir, 'account.nk'), 'A');
  const operator = openNKey(at(dir, 'operator.nk'), 'O');
  const system = openNKey(at(dir, 'system.nk'), 'A');
  for (const role of roles) openNKey(signerPath(dir, role), 'A');
  writePrivateFile(join(dir, 'enrol', 'account'), `${account.getPublicKey()}\n`);
  let made = 0;
  // Made once: a broker that runs takes no other one.
  const system_account = system.getPublicKey();
  keep(at(dir, 'operator.jwt'), await encodeOperator('kanade', operator, { system_account }));
  keep(at(dir, 'system.jwt'), await encodeAccount('SYS', system, { limits: unlimited }, { signer: operator }));
  const put = async (path: string, sign: (user: NKey) => Promise<string>): Promise<void> => {
    if (existsSync(path)) return;
    const user = newUser();
    if (writePrivateFile(path, credsOf(await sign(user), user))) made++;
  };
  for (const [role, path] of Object.entries(people))
    await put(join(dir, path), (user) =>
      signUser(user, { name: role, account: account.getPublicKey(), signer: readNKey(signerPath(dir, role), 'A') }),
    );
  await put(systemCreds(dir), (user) => encodeUser('kanade', user, system));
  return { ...readAuthority(dir), made };
}

/** The authority below `dir`. Throws FleetError `enrol_authority_missing`. */
export function readAuthority(dir: string): BrokerAuthority {
  if (!existsSync(at(dir, 'account.nk'))) throw missing(dir, 'no authority of a broker');
  const [operator, account] = [readNKey(at(dir, 'operator.nk'), 'O'), readNKey(at(dir, 'account.nk'), 'A')];
  const system = readNKey(at(dir, 'system.nk'), 'A');
  return {
    dir,
    account: account.getPublicKey(),
    systemAccount: system.getPublicKey(),
    operatorJwt: readFileSync(at(dir, 'operator.jwt'), 'utf8').trim(),
    systemJwt: readFileSync(at(dir, 'system.jwt'), 'utf8').trim(),
    accountJwt: () =>
      encodeAccount(
        'kanade',
        account,
        { limits: { ...unlimited, ...unlimitedStreams }, signing_keys: scopes(dir), revocations: readEnded(dir) },
        { signer: operator },
      ),
    end(publicKey) {
      writePrivateFile(join(endedDir(dir), publicKey), `${Math.floor(Date.now() / 1000)}\n`);
    },
  };
}

const keep = (path: string, text: string): boolean => writePrivateFile(path, `${text}\n`);

const unlimited = {
  ...{ subs: -1, data: -1, payload: -1, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 },
} as const;
const unlimitedStreams = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 } as const;

const roles = ['operator', 'read-only', 'break-glass', 'issuer', 'newcomer', 'agent'] as const;

/** Where the key is that signs users of a role. */
function signerPath(dir: string, role: string): string {
  if (role === 'agent') return join(dir, 'enrol', 'issuer.nk');
  if (role === 'newcomer') return join(dir, 'enrol', 'tokens.nk');
  return at(dir, 'roles', `${role}.nk`);
}

/** What users of each role may do, for the account. */
const scopes = (dir: string) =>
  roles.map((kind) => {
    const role: Role = kind === 'agent' ? { kind, pc: machine } : { kind };
    const { publish, subscribe, mayAnswer } = permissionsOf(role, '_INBOX.{{subject()}}');
    const named = (subjects: readonly string[]): string[] =>
      subjects.map((subject) => subject.replaceAll(machine, '{{name()}}'));
    return newScopedSigner(readNKey(signerPath(dir, kind), 'A'), kind, {
      pub: { allow: named(publish) },
      sub: { allow: named(subscribe) },
      ...(mayAnswer ? { resp: { max: 1, ttl: 120_000_000_000 } } : {}),
    });
  });

function readEnded(dir: string): Record<string, number> {
  if (!existsSync(endedDir(dir))) return {};
  const ended = readdirSync(endedDir(dir)).map((key) => [key, Number(readFileSync(join(endedDir(dir), key), 'utf8'))]);
  return Object.fromEntries(
    ended.filter(([key, seconds]) => /^U[A-Z2-7]{55}$/.test(String(key)) && Number(seconds) > 0),
  );
}

/** Who signs users of one role, and of which account. */
export interface Signing {
  readonly account: string;
  readonly signer: NKey;
}

/** What signs machines (`issuer.nk`) or holders of tokens (`tokens.nk`). Throws FleetError `enrol_authority_missing`. */
export function readSigning(dir: string, role: 'agent' | 'newcomer'): Signing {
  const path = signerPath(dir, role);
  const account = join(dir, 'enrol', 'account');
  if (!existsSync(path) || !existsSync(account)) throw missing(dir, `not both of ${path} and ${account}`);
  const [publicKey = ''] = /\bA[A-Z2-7]{55}\b/.exec(readFileSync(account, 'utf8')) ?? [];
  return { account: publicKey, signer: readNKey(path, 'A') };
}

/** The `.creds` of who brings the broker an account. */
export const systemCreds = (dir: string): string => at(dir, 'system.creds');

/** The `.creds` of the issuer. */
export const issuerCreds = (dir: string): string => join(dir, people.issuer);

/** Signs a user of the role that the signer is for. */
export function signUser(
  user: NKey | string,
  { name, account, signer, tags, expiresAtMs }: Signing & { name: string; tags?: string[]; expiresAtMs?: number },
): Promise<string> {
  const expiry = given('exp', expiresAtMs === undefined ? undefined : Math.floor(expiresAtMs / 1000));
  const more: Partial<User> = tags ? { tags } : {};
  return encodeUser(name, user, account, more, { signer, scopedUser: true, ...expiry });
}

/** The text of a `.creds` file. */
export const credsOf = (jwt: string, user: NKey): string => new TextDecoder().decode(fmtCreds(jwt, user));

function missing(dir: string, what: string): FleetError {
  const how =
    'make one with "kanade fleet setup --print-server-config --enrolment --keys DIR", or name its directory with --keys';
  return new FleetError('enrol_authority_missing', `there is ${what} in ${dir}: ${how}`);
}

/** The configuration of a broker that lets in whom this authority signs, for 2.9 and later. Holds no secret. */
export async function signedServerConfig(authority: BrokerAuthority, resolverDir: string | undefined): Promise<string> {
  const { account, systemAccount, operatorJwt, systemJwt } = authority;
  const resolver =
    resolverDir === undefined
      ? 'resolver: MEMORY'
      : `resolver { type: full, dir: ${JSON.stringify(resolverDir)}, allow_delete: false, interval: "2m" }`;
  return `${head}operator: ${operatorJwt}
system_account: ${systemAccount}
${resolver}
resolver_preload: {
  ${account}: ${await authority.accountJwt()}
  ${systemAccount}: ${systemJwt}
}
`;
}

const head = `# Whom the broker lets in for kanade: users that this authority signs, each with what its role may say and hear.
# Written by "kanade fleet setup --print-server-config --enrolment"; holds no secret. Take it into the server's own configuration, which
# must name no users or token beside it:
#
#   jetstream { store_dir: "/var/lib/nats" }
#   include "kanade-users.conf"
#
`;
