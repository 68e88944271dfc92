/** Ends what a machine was enrolled with: its credentials, and the id that they stood for. */
import { setTimeout as pause } from 'node:timers/promises';
import { credsAuthenticator } from '@nats-io/transport-node';
import type { BrokerAccess } from '../connection/broker-access.ts';
import { connectFleet, type Fleet } from '../connection/connect-fleet.ts';
import { readGuarded } from '../connection/guarded-file.ts';
import { abortable } from '../fault/abortable.ts';
import { brokerFault, isNoResponders, translate } from '../fault/translate.ts';
import { type BrokerAuthority, systemCreds } from './authority.ts';
import { changeEnrolment, changeOwner, enrolmentOf } from './enrolments.ts';

/** Where the broker takes an account as it is now, and tells which it has. */
const [updateSubject, accountsSubject] = ['$SYS.REQ.CLAIMS.UPDATE', '$SYS.REQ.SERVER.PING.ACCOUNTZ'] as const;
/** How long a broker is asked, and waited for to know, in ms. */
const [askMs, knowsMs] = [2_000, 10_000] as const;
/** How long the first answer of one look is waited for, in ms. A broker that is given its configuration just now may be silent; whoever looks again is answered. */
const lookMs = 1_500;
/** How long behind an answer another server of a cluster may be, in ms. */
const stallMs = 500;

/**
 * Whether a machine has credentials that go on: `none` was enrolled, `live` while its id is taken.
 */
export async function credentialsOf(fleet: Fleet, pc: string, signal?: AbortSignal): Promise<'none' | 'live'> {
  try {
    const known = await enrolmentOf(fleet, pc, signal);
    return known === undefined || known.ended_at !== undefined ? 'none' : 'live';
  } catch (error) {
    throw translate(error, `looking for the enrolment of ${pc}`, signal);
  }
}

/**
 * Ends the credentials of a machine. `ended`: every server of the broker that answers refuses them, connections with them are cut, and the
 * id is free. `pending`: the broker keeps its accounts in its configuration and has to be given the new one; the id stays taken until this is
 * called again and finds that it was. `none`: it had none. Throws FleetError.
 */
export async function endCredentials(
  fleet: Fleet,
  pc: string,
  { authority, access, signal }: { authority: BrokerAuthority; access: BrokerAccess; signal?: AbortSignal | undefined },
): Promise<'none' | 'ended' | 'pending'> {
  try {
    const known = await enrolmentOf(fleet, pc, signal);
    if (known === undefined || known.ended_at !== undefined) return 'none';
    const { public_key } = known;
    authority.end(public_key);
    if (!(await bringAndLook({ authority, access, signal }, public_key))) return 'pending';
    const ended_at = new Date().toISOString();
    // The key first: from here on nobody gets credentials for it again.
    await changeOwner(fleet, public_key, () => ({ value: { pc_id: pc, ended_at }, told: undefined }));
    await changeEnrolment(fleet, pc, (before) => ({
      value: before?.public_key === public_key ? { ...before, ended_at } : undefined,
      told: undefined,
    }));
    return 'ended';
  } catch (error) {
    throw translate(error, `ending the credentials of ${pc}`, signal);
  }
}

interface Bringing {
  readonly authority: BrokerAuthority;
  readonly access: BrokerAccess;
  readonly signal?: AbortSignal | undefined;
}

/** Brings the broker the account as it is now, where it takes one; then whether it knows that the key has ended. */
async function bringAndLook({ authority, access, signal }: Bringing, key: string): Promise<boolean> {
  const path = systemCreds(authority.dir);
  const creds = readGuarded(path, 'the credentials file', 'secret');
  const system: BrokerAccess = {
    ...access,
    toOptions: () => ({ ...access.toOptions(), inboxPrefix: '_INBOX', authenticator: credsAuthenticator(creds) }),
  };
  await using broker = await connectFleet({ servers: system, name: 'kanade-authority', ...(signal ? { signal } : {}) });
  const { connection } = broker;
  const jwt = await authority.accountJwt();
  const isTaken = await abortable(connection.request(updateSubject, jwt, { timeout: askMs }), signal).then(
    () => true,
    (error: unknown) => {
      if (isNoResponders(error)) return false;
      // Silent just now, as one is that reads its configuration: whether it knows, it is asked below.
      if (brokerFault(error)?.code === 'broker_timeout') return true;
      throw error;
    },
  );
  const endMs = performance.now() + (isTaken ? knowsMs : 0);
  for (;;) {
    if (await isKnown(broker, authority.account, key)) return true;
    if (performance.now() >= endMs) return false;
    await pause(100, undefined, signal ? { signal } : {});
  }
}

/** Whether every server that answers refuses the key. */
async function isKnown({ connection }: Fleet, account: string, key: string): Promise<boolean> {
  let [known, others] = [0, 0];
  const question = JSON.stringify({ account });
  const answers = await connection.requestMany(accountsSubject, question, {
    strategy: 'stall',
    stall: stallMs,
    maxWait: lookMs,
  });
  for await (const message of answers) {
    const { data } = message.json<{ data?: { account_detail?: { revoked_user?: Record<string, unknown> } } }>();
    if (data?.account_detail?.revoked_user?.[key] === undefined) others++;
    else known++;
  }
  return known > 0 && others === 0;
}
