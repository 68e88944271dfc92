import { type Command, readCommand } from '../fleet/command.ts';
import { type Body, type CommandEnvelope, envelopeKind, readBody, readEnvelope } from '../fleet/envelope.ts';
import type { ObsKind } from '../fleet/obs-event.ts';
import { shown } from '../scalar/wording.ts';
import { type Headers, readSignatureHeaders, signedMaterial } from './signature.ts';

/** How far a signing time may lie in the future, in milliseconds. */
export const signingAheadMsMax = 3_600_000;
/** Longest time between signing and expiry of an envelope, in milliseconds: the retention of the order stream. */
export const envelopeLifeMsMax = 604_800_000;

/** What a key may be used for. Backend keys have no `maxAgeMs`: a replay after days is legitimate. */
export interface KeyPolicy {
  readonly label: string;
  readonly maxAgeMs?: number;
  readonly auditEveryUse: boolean;
}
/** A key that orders are verified with. */
export interface VerifyingKey {
  readonly policy: KeyPolicy;
  /** The Ed25519 check of a 64-byte signature. What it throws passes through. */
  verify(message: Uint8Array, signature: Uint8Array): boolean;
}
export type Keyring = ReadonlyMap<string, VerifyingKey>;

/** Why an order was not accepted. `Undecodable` = a legacy body that is no command: to be dropped, not refused. */
export type VerifyError =
  | 'Unsigned'
  | 'UnknownKid'
  | 'UnsupportedAlg'
  | 'Malformed'
  | 'BadSignature'
  | 'EnvelopeRejected'
  | 'Misaddressed'
  | 'Undecodable'
  | 'ClockAhead'
  | 'Expired'
  | 'Stale';

export interface AcceptedCommand {
  readonly ok: true;
  readonly protocol: 'legacy' | typeof envelopeKind;
  readonly command: Command;
  readonly kid: string;
  readonly policy: KeyPolicy;
  readonly signedAtMs: number;
  /** Latest instant to start, inclusive; check it again before every process start. Undefined = no deadline. */
  readonly startDeadlineMs: number | undefined;
  readonly event: ObsKind;
}
export interface RefusedCommand {
  readonly ok: false;
  readonly error: VerifyError;
  /** In one sentence, for stderr and logs. */
  readonly reason: string;
  /** `always`: whether or not the agent enforces. `enforcing`: only when it does. `drop`: there is nothing to run. */
  readonly refuse: 'always' | 'enforcing' | 'drop';
  /** A legacy command that decodes, for an agent that does not enforce. */
  readonly command: Command | undefined;
  /** What to report; unsigned legacy orders report nothing. */
  readonly event: ObsKind | undefined;
}
export type Verification = AcceptedCommand | RefusedCommand;

export interface CommandVerification {
  /** The machine that verifies. */
  readonly pcId: string;
  /** The endpoint's wall clock, in milliseconds since the epoch. */
  readonly nowMs: number;
  /** Reads commands, for who has a reader compiled once; default {@link readCommand}. */
  readonly readCommand?: typeof readCommand;
}

const events: Record<VerifyError, ObsKind | undefined> = {
  Unsigned: undefined,
  UnknownKid: 'command_signature_invalid',
  UnsupportedAlg: 'command_signature_invalid',
  Malformed: 'command_signature_invalid',
  BadSignature: 'command_signature_invalid',
  EnvelopeRejected: 'command_signature_envelope_rejected',
  Misaddressed: 'command_signature_misaddressed',
  Undecodable: undefined,
  ClockAhead: 'command_signature_clock_ahead',
  Expired: 'command_signature_expired',
  Stale: 'command_signature_stale',
};

/**
 * Decides whether an order may be executed (fleet reference, section 3.3). First the signature over the received bytes;
 * then, for an envelope: its fields in their order, clock, expiry, life, deadline, age of the key; for a legacy order:
 * it decodes, clock and age of the key, both only where the key has a maximum age. Every outcome is a value.
 */
export function verifyCommand(
  order: { readonly body: Uint8Array; readonly headers: Headers },
  keyring: Keyring,
  options: CommandVerification,
): Verification {
  const body = readBody(order.body);
  const signed = checkSignature(order, keyring);
  if ('error' in signed) return refuse(body, signed, options);
  return body.form === 'envelope' ? acceptEnvelope(body, signed, options) : acceptLegacy(body, signed, options);
}

interface Signed {
  readonly kid: string;
  readonly policy: KeyPolicy;
  readonly signedAtMs: number;
}
interface Refusal {
  readonly error: VerifyError;
  readonly reason: string;
}

function checkSignature(
  { body, headers }: { readonly body: Uint8Array; readonly headers: Headers },
  keyring: Keyring,
): Signed | Refusal {
  const read = readSignatureHeaders(headers);
  if (!read.ok) return read;
  const { kid, bytes, atMs } = read.signature;
  const key = keyring.get(kid);
  if (!key) return { error: 'UnknownKid', reason: `signed with a key we do not hold: ${shown(kid)}` };
  if (!key.verify(signedMaterial(atMs, body), bytes))
    return { error: 'BadSignature', reason: `the signature of key ${kid} does not match the bytes` };
  return { kid, policy: key.policy, signedAtMs: atMs };
}

function acceptEnvelope(body: Body & { form: 'envelope' }, signed: Signed, options: CommandVerification): Verification {
  const read = readEnvelope(body.value, options);
  if (!read.ok) return refuse(body, read, options);
  const { command } = read.envelope;
  const startDeadlineMs = startDeadline(read.envelope);
  const refusal =
    aheadFault(signed, options.nowMs) ??
    lifeFault(read.envelope, signed) ??
    (options.nowMs > startDeadlineMs
      ? { error: 'Expired' as const, reason: `could start until ${iso(startDeadlineMs)} only` }
      : undefined) ??
    ageFault(signed, options.nowMs);
  if (refusal) return refuse(body, refusal, options);
  return { ok: true, protocol: envelopeKind, command, ...signed, startDeadlineMs, event: 'command_signature_ok' };
}

function acceptLegacy(body: Body, signed: Signed, options: CommandVerification): Verification {
  const { nowMs } = options;
  const command = legacyCommand(body, options);
  if (!command) return refuse(body, { error: 'Undecodable', reason: 'the body is no command' }, options);
  const isTimed = signed.policy.maxAgeMs !== undefined;
  const refusal = isTimed ? (aheadFault(signed, nowMs) ?? ageFault(signed, nowMs)) : undefined;
  if (refusal) return refuse(body, refusal, options);
  const startDeadlineMs = command.deadline_at === undefined ? undefined : Date.parse(command.deadline_at);
  return { ok: true, protocol: 'legacy', command, ...signed, startDeadlineMs, event: 'command_signature_ok' };
}

/** Latest instant at which the order of an envelope may start, in milliseconds since the epoch, inclusive. */
export function startDeadline({ expires_at, command }: Pick<CommandEnvelope, 'expires_at' | 'command'>): number {
  const expiresMs = Date.parse(expires_at);
  return command.deadline_at === undefined ? expiresMs : Math.min(expiresMs, Date.parse(command.deadline_at));
}

function aheadFault({ signedAtMs }: Signed, nowMs: number): Refusal | undefined {
  const aheadMs = signedAtMs - nowMs;
  return aheadMs > signingAheadMsMax
    ? { error: 'ClockAhead', reason: `signed ${Math.round(aheadMs / 60_000)} minutes in the future: check the clocks` }
    : undefined;
}

function lifeFault({ expires_at }: CommandEnvelope, { signedAtMs }: Signed): Refusal | undefined {
  const lifeMs = Date.parse(expires_at) - signedAtMs;
  if (lifeMs < 0) return { error: 'EnvelopeRejected', reason: `expires before it was signed: ${expires_at}` };
  return lifeMs > envelopeLifeMsMax
    ? { error: 'EnvelopeRejected', reason: `lives longer than 7 days: until ${expires_at}` }
    : undefined;
}

function ageFault({ kid, policy, signedAtMs }: Signed, nowMs: number): Refusal | undefined {
  const isStale = policy.maxAgeMs !== undefined && nowMs - signedAtMs > policy.maxAgeMs;
  return isStale
    ? { error: 'Stale', reason: `key ${kid} is good for ${policy.maxAgeMs} ms, signed at ${iso(signedAtMs)}` }
    : undefined;
}

function refuse(body: Body, { error, reason }: Refusal, options: CommandVerification): RefusedCommand {
  const command = legacyCommand(body, options);
  const refuse = body.form === 'envelope' ? 'always' : command ? 'enforcing' : 'drop';
  const isBareEnvelope = error === 'Unsigned' && body.form === 'envelope';
  return {
    ok: false,
    error,
    reason,
    refuse,
    command,
    event: isBareEnvelope ? 'command_signature_invalid' : events[error],
  };
}

function legacyCommand(body: Body, { readCommand: decode = readCommand }: CommandVerification): Command | undefined {
  const read = body.form === 'legacy' ? decode(body.value) : undefined;
  return read?.ok ? read.value : undefined;
}

/** A signing time may be any number, so it may lie outside of what a date can show. */
function iso(atMs: number): string {
  return Math.abs(atMs) <= 8.64e15 ? new Date(atMs).toISOString() : `${atMs} ms`;
}
