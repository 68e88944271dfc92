/** Tokens with which machines may ask to be enrolled, in the bucket `enrol_tokens`. What lets somebody in stands in none of them. */
import { createHash, randomBytes } from 'node:crypto';
import {
  bucketStream,
  buckets,
  type EnrolToken,
  enrolKeyringBytesMax,
  enrolUsesMax,
  entrySubject,
  readKeyring,
  readStoredEnrolToken,
  removalHeader,
  type StoredEnrolToken,
} from '@kanade/shared/fleet';
import { checkId } from '../catalogue/bucket.ts';
import { changeStored, objectIn, type Place, readStored, type StoredValue } from '../config/stored-value.ts';
import { given } from '../connection/access-file.ts';
import { connectFleet, type Fleet } from '../connection/connect-fleet.ts';
import { FleetError } from '../fault/fleet-error.ts';
import { translate } from '../fault/translate.ts';
import { readHeld } from '../stream/read-held.ts';
import { type Signing, signUser } from './authority.ts';
import { newUser, seedOf } from './nkey-file.ts';
import { signedAccess } from './signed-access.ts';
import { tokenText } from './token.ts';

export interface NewEnrolToken {
  /** What signs holders of tokens, from `readSigning(dir, 'newcomer')`. */
  readonly signing: Signing;
  /** Addresses at which machines reach the broker, and the PEM of the authorities of its certificate. */
  readonly servers: readonly string[];
  readonly ca?: string | undefined;
  readonly tlsFirst?: boolean | undefined;
  /** Machines that it lets in, 1 to 10,000. */
  readonly uses: number;
  /** How long, in ms. */
  readonly ttlMs: number;
  readonly groups?: readonly string[] | undefined;
  /** Who may use it; default: any machine. */
  readonly pcs?: readonly string[] | undefined;
  readonly label?: string | undefined;
  /** Text of the key ring that machines get. */
  readonly keyring?: string | undefined;
  readonly createdBy: string;
  readonly signal?: AbortSignal | undefined;
}

/** A token as an operator may see it. */
export interface ListedEnrolToken {
  readonly id: string;
  readonly state: 'open' | 'used_up' | 'expired' | 'revoked';
  readonly created_at: string;
  readonly created_by: string;
  readonly expires_at: string;
  readonly uses_max: number;
  readonly used: number;
  readonly groups: readonly string[];
  readonly pcs?: readonly string[];
  readonly label?: string;
  /** Whether it brings a key ring. */
  readonly keyring: boolean;
}

export const tokenPlace = (id: string): Place => ({ bucket: buckets.enrolTokens, key: id });

/**
 * Makes a token and proves that the broker lets in who holds it. Its text is a secret. Throws FleetError `enrol_mode` when the broker
 * does not let it in, or lets in everybody, `ring_invalid`, `too_large`, `invalid_id`, `no_topology`.
 */
export async function createEnrolToken(
  fleet: Fleet,
  asked: NewEnrolToken,
): Promise<{ text: string; token: ListedEnrolToken }> {
  const { signing, uses, ttlMs, groups = [], pcs, keyring, label, signal } = asked;
  for (const group of groups) checkId('a group', group);
  for (const pc of pcs ?? []) checkMachine(pc);
  if (uses < 1 || uses > enrolUsesMax)
    throw new FleetError('too_large', `a token has 1 to ${enrolUsesMax} uses: ${uses}`);
  if (keyring !== undefined) checkRing(keyring);
  const nowMs = Date.now();
  const expiresAtMs = nowMs + ttlMs;
  const id = `t-${randomBytes(5).toString('hex')}`;
  const user = newUser();
  const jwt = await signUser(user, { name: `enrolment ${id}`, ...signing, expiresAtMs });
  const token: EnrolToken = {
    id,
    servers: [...asked.servers],
    ...given('ca', asked.ca),
    ...given('tls_first', asked.tlsFirst),
    jwt,
    seed: seedOf(user),
    ...given('keyring_sha256', keyring && createHash('sha256').update(keyring).digest('hex')),
    expires_at: new Date(expiresAtMs).toISOString(),
  };
  const stored: StoredEnrolToken = {
    id,
    public_key: user.getPublicKey(),
    created_at: new Date(nowMs).toISOString(),
    created_by: asked.createdBy,
    expires_at: token.expires_at,
    uses_max: uses,
    groups: [...new Set(groups)],
    ...given('pcs', pcs && pcs.length > 0 ? [...new Set(pcs)] : undefined),
    ...given('label', label),
    ...given('keyring', keyring),
    used: [],
  };
  await prove(token, signal);
  try {
    await changeStored(fleet, tokenPlace(id), { signal, change: () => ({ value: JSON.stringify(stored), told: id }) });
  } catch (error) {
    throw translate(error, 'making a token', signal);
  }
  return { text: tokenText(token), token: listed(stored, nowMs) };
}

/** An id that permissions of a broker can name. Throws FleetError `invalid_id`. */
export function checkMachine(pc: string): string {
  checkId('a machine', pc);
  if (!pc.includes('.')) return pc;
  throw new FleetError('invalid_id', `a broker cannot tell an id with a dot from others: ${JSON.stringify(pc)}`);
}

function checkRing(keyring: string): void {
  const read = readKeyring([{ name: 'the key ring', text: keyring }]);
  if (!read.ok) throw new FleetError('ring_invalid', read.reason);
  if (Buffer.byteLength(keyring) > enrolKeyringBytesMax)
    throw new FleetError('too_large', `a key ring that is delivered has at most ${enrolKeyringBytesMax} bytes`);
}

/** A token that nobody can use is found out here, not on the machines. */
async function prove(token: EnrolToken, signal: AbortSignal | undefined): Promise<void> {
  await using fleet = await connectFleet({
    servers: signedAccess(token),
    name: 'kanade-enrol-proof',
    ...given('signal', signal),
  }).catch((error: unknown) => {
    throw error instanceof FleetError && error.code === 'broker_refused' ? otherMode(error) : error;
  });
  checkMode(fleet);
}

/** Throws FleetError `enrol_mode` for a broker that lets in everybody. */
export function checkMode(fleet: Pick<Fleet, 'connection'>): void {
  // Who asks nobody takes any credentials.
  if (fleet.connection.info?.auth_required !== true) throw otherMode();
}

export function otherMode(cause?: unknown): FleetError {
  const how = '"kanade fleet setup --print-server-config --enrolment --keys DIR"';
  return new FleetError(
    'enrol_mode',
    `this broker does not know who signs here: it has users of another kind, another configuration, or none. Give it the configuration that ${how} prints; ` +
      'a broker with a token or NKeys enrols nobody: for that one list the machines (--agents-file) and bring each its key',
    { cause },
  );
}

/** Every token, newest first. */
export async function listEnrolTokens(fleet: Fleet, signal?: AbortSignal): Promise<ListedEnrolToken[]> {
  const bucket = buckets.enrolTokens;
  const request = { stream: bucketStream(bucket), filter: entrySubject(bucket, '>'), from: 'newest', signal } as const;
  const found: ListedEnrolToken[] = [];
  try {
    for await (const message of readHeld(fleet, request)) {
      const operation = message.headers?.get(removalHeader.name);
      if (removalHeader.values.some((value) => value === operation)) continue;
      const read = readStoredEnrolToken(objectIn(message.data));
      if (read.ok) found.push(listed(read.value, Date.now()));
    }
  } catch (error) {
    throw translate(error, 'listing tokens', signal);
  }
  return found.sort((a, b) => (a.created_at < b.created_at ? 1 : -1));
}

/** Nobody is enrolled with it any more; who was, stays. False when it was revoked before. Throws FleetError `enrol_token_not_found`. */
export async function revokeEnrolToken(fleet: Fleet, id: string, signal?: AbortSignal): Promise<boolean> {
  checkId('a token', id);
  try {
    return await changeStored(fleet, tokenPlace(id), {
      signal,
      change(before) {
        const token = tokenIn(before);
        if (!token)
          throw new FleetError(
            'enrol_token_not_found',
            `there is no token ${id}; "kanade fleet enrol-token list" shows all`,
          );
        if (token.revoked_at !== undefined) return { value: undefined, told: false };
        return { value: JSON.stringify({ ...token, revoked_at: new Date().toISOString() }), told: true };
      },
    });
  } catch (error) {
    throw translate(error, `revoking token ${id}`, signal);
  }
}

/** What is kept of a token. */
export async function readToken(fleet: Fleet, id: string): Promise<StoredEnrolToken | undefined> {
  return tokenIn(await readStored(fleet, tokenPlace(id)));
}

/** Undefined for none, and for what cannot be read: it lets nobody in. */
export function tokenIn({ bytes }: StoredValue): StoredEnrolToken | undefined {
  const read = readStoredEnrolToken(bytes && objectIn(bytes));
  return read.ok ? read.value : undefined;
}

function listed(token: StoredEnrolToken, nowMs: number): ListedEnrolToken {
  const { id, created_at, created_by, expires_at, uses_max, used, groups, pcs, label, keyring } = token;
  return {
    ...{ id, state: stateOf(token, nowMs), created_at, created_by, expires_at, uses_max, used: used.length, groups },
    ...given('pcs', pcs),
    ...given('label', label),
    keyring: keyring !== undefined,
  };
}

function stateOf(
  { revoked_at, expires_at, used, uses_max }: StoredEnrolToken,
  nowMs: number,
): ListedEnrolToken['state'] {
  if (revoked_at !== undefined) return 'revoked';
  if (Date.parse(expires_at) <= nowMs) return 'expired';
  return used.length >= uses_max ? 'used_up' : 'open';
}
