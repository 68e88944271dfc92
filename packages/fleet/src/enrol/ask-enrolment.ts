/** The side of the machine: asks for credentials, and believes nothing of the answer that the token does not vouch for. */
import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import {
  type EnrolAnswer,
  type EnrolRequest,
  type EnrolToken,
  enrolSigned,
  enrolSubject,
  readEnrolAnswer,
  type SignedEnrol,
} from '@kanade/shared/fleet';
import { objectIn } from '../config/stored-value.ts';
import { connectFleet, type Fleet } from '../connection/connect-fleet.ts';
import { abortable } from '../fault/abortable.ts';
import { FleetError } from '../fault/fleet-error.ts';
import { isNoResponders, translate } from '../fault/translate.ts';
import { credsOf } from './authority.ts';
import { claimsOf } from './claims.ts';
import { type NKey, newUser, nkeyOf, seedOf } from './nkey-file.ts';
import { signedAccess } from './signed-access.ts';
import { checkMachine, checkMode, otherMode } from './tokens.ts';

export interface EnrolmentQuestion {
  /** From `parseToken`. */
  readonly token: EnrolToken;
  /** The name that this machine asks for. */
  readonly pc: string;
  /** The seed of its key, which stays here. */
  readonly seed: string;
  /** How long an issuer is waited for, in ms. */
  readonly waitMs: number;
  /** Hears once that no issuer answers now. */
  onWaiting?(): void;
  readonly signal?: AbortSignal | undefined;
}

/** What a machine got. */
export interface Enrolled {
  /** The text of its `.creds` file. */
  readonly creds: string;
  readonly publicKey: string;
  readonly groups: readonly string[];
  readonly generation: number;
  /** Text of the key ring; its hash stands in the token. */
  readonly keyring: string | undefined;
}

/** How long one request waits for its answer, and between two of them, in ms. */
const [answerMs, pauseMs] = [10_000, 250] as const;

/** The seed of a new key for a machine. */
export const newMachineSeed = (): string => seedOf(newUser());

/** The public key of what a `.creds` file or a seed holds; undefined for what holds none. */
export function machineIn(creds: string): { seed: string; name: unknown; account: unknown } | undefined {
  const seed = /\bSU[A-Z2-7]{56}\b/.exec(creds)?.[0];
  const jwt = /\beyJ[\w-]+\.[\w-]+\.[\w-]+/.exec(creds)?.[0] ?? '';
  const { name, nats } = claimsOf(jwt);
  return seed === undefined ? undefined : { seed, name, account: nats?.issuer_account };
}

/** The account that a token is for: credentials of another one are of no use there. */
export const accountOf = (token: EnrolToken): unknown => claimsOf(token.jwt).nats?.issuer_account;

/**
 * Asks until an issuer has answered, and tries what it got. Asked again with the same seed it gets the same, and uses nothing of the
 * token. Throws FleetError: what the issuer refuses under its own code, `enrol_unanswered` when nobody answered, `enrol_mode`,
 * `enrol_answer_invalid` for an answer that the token does not vouch for.
 */
export async function askEnrolment(question: EnrolmentQuestion): Promise<Enrolled> {
  const { token, pc } = question;
  checkMachine(pc);
  const machine = nkeyOf(question.seed, 'the key of this machine', 'U');
  const { body, nonce } = requestOf(token, pc, machine);
  const first = connectInTime({ servers: signedAccess(token), name: `kanade-enrol-${pc}` }, question);
  await using fleet = await first.catch((error: unknown) => {
    throw error instanceof FleetError && error.code === 'broker_refused' ? notLetIn(error) : error;
  });
  checkMode(fleet);
  const answer = await answered(fleet, body, question);
  if (!answer.ok) throw new FleetError(answer.code, answer.message);
  checkAnswer(answer, { token, pc, nonce, machine });
  const servers = signedAccess({ ...token, jwt: answer.jwt, seed: question.seed });
  await using proof = await connectInTime({ servers, name: `kanade-agent-${pc}-enrolled` }, question);
  void proof; // the broker lets it in: its word is worth writing down
  const { groups, generation, keyring, jwt } = answer;
  return { creds: credsOf(jwt, machine), publicKey: machine.getPublicKey(), groups, generation, keyring };
}

/** Connects; a broker that found this machine too slow to say who it is, or is itself, is asked again. */
async function connectInTime(
  options: Parameters<typeof connectFleet>[0],
  { waitMs, signal }: EnrolmentQuestion,
): Promise<Fleet> {
  const endMs = performance.now() + waitMs;
  for (;;) {
    try {
      return await connectFleet({ ...options, ...(signal ? { signal } : {}) });
    } catch (error) {
      const cause = error instanceof Error ? error.cause : undefined;
      const isLate = cause instanceof Error && cause.message === 'Authentication Timeout';
      if (!isLate || performance.now() > endMs) throw error;
    }
    await pause(pauseMs, undefined, signal ? { signal } : {}).catch(() => signal?.throwIfAborted());
  }
}

const notLetIn = (error: FleetError): FleetError =>
  new FleetError(
    'enrol_mode',
    `the broker does not let in who holds this token: it was made for another broker, or this one has another configuration now. ${otherMode().message}`,
    { cause: error },
  );

function requestOf(token: EnrolToken, pc: string, machine: NKey): { body: string; nonce: string } {
  const nonce = randomBytes(16).toString('base64url');
  const request: EnrolRequest = { token: token.id, pc_id: pc, public_key: machine.getPublicKey(), nonce };
  const asked = JSON.stringify(request);
  const bytes = new TextEncoder().encode(enrolSigned + asked);
  const by = (key: NKey): string => Buffer.from(key.sign(bytes)).toString('base64');
  const signed: SignedEnrol = { asked, by_token: by(nkeyOf(token.seed, 'the token', 'U')), by_machine: by(machine) };
  return { body: JSON.stringify(signed), nonce };
}

/** The first answer of an issuer; one that is being started again is waited for. */
async function answered(
  { connection }: Fleet,
  body: string,
  { waitMs, onWaiting, signal }: EnrolmentQuestion,
): Promise<EnrolAnswer> {
  const endMs = performance.now() + waitMs;
  let isSaid = false;
  for (;;) {
    const timeout = Math.max(1_000, Math.min(answerMs, endMs - performance.now()));
    try {
      const { data } = await abortable(connection.request(enrolSubject, body, { timeout }), signal);
      const read = readEnrolAnswer(objectIn(data));
      if (!read.ok) throw wrong('it is none of this version');
      if (read.value.ok || read.value.code !== 'enrol_failed' || performance.now() > endMs) return read.value;
    } catch (error) {
      const isSilent = isNoResponders(error) || (error instanceof Error && error.name === 'TimeoutError');
      if (!isSilent || signal?.aborted) throw translate(error, 'asking to be enrolled', signal);
      if (performance.now() > endMs) throw unanswered(error);
      if (!isSaid) onWaiting?.();
      isSaid = true;
    }
    await pause(pauseMs, undefined, signal ? { signal } : {}).catch(() => signal?.throwIfAborted());
  }
}

const unanswered = (cause: unknown): FleetError =>
  new FleetError(
    'enrol_unanswered',
    'nobody answers who could enrol this machine: "kanade fleet enrol serve --keys DIR" must run meanwhile; then ask again, nothing is used up',
    { cause },
  );

interface Expected {
  readonly token: EnrolToken;
  readonly pc: string;
  readonly nonce: string;
  readonly machine: NKey;
}

function checkAnswer(answer: Extract<EnrolAnswer, { ok: true }>, { token, pc, nonce, machine }: Expected): void {
  const { sub, name, nats } = claimsOf(answer.jwt);
  if (answer.nonce !== nonce) throw wrong('it is the answer to another question');
  if (sub !== machine.getPublicKey() || name !== pc || nats?.issuer_account !== accountOf(token))
    throw wrong('its credentials are for another machine, key or fleet');
  const { keyring } = answer;
  const hash = keyring === undefined ? undefined : createHash('sha256').update(keyring).digest('hex');
  if (hash !== token.keyring_sha256) throw wrong('the key ring that it brings is not the one that the token names');
}

const wrong = (why: string): FleetError =>
  new FleetError('enrol_answer_invalid', `the answer is not used, and nothing was changed: ${why}`);
