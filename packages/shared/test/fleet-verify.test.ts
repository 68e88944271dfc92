/** Verification of orders with real Ed25519 keys: the order of the checks, and what each outcome says. */
import { createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import {
  type Command,
  commandKey,
  type Headers,
  type Keyring,
  type Signature,
  signatureHeaders,
  signedMaterial,
  type Verification,
  verifyCommand,
  writeSignatureHeaders,
} from '@kanade/shared/fleet';
import { expect, it } from 'vitest';
import { fc } from './properties.ts';

const nowMs = Date.parse('2026-11-21T08:00:00Z');
const minuteMs = 60_000;
const dayMs = 86_400_000;
const at = (ms: number): string => new Date(ms).toISOString();

const keys = { backend: generateKeyPairSync('ed25519'), breakglass: generateKeyPairSync('ed25519') };
const verifyWith =
  (key: KeyObject) =>
  (message: Uint8Array, signature: Uint8Array): boolean =>
    verify(null, message, key, signature);
const keyring: Keyring = new Map([
  ['main', { verify: verifyWith(keys.backend.publicKey), policy: { label: 'backend', auditEveryUse: false } }],
  [
    'glass',
    {
      verify: verifyWith(keys.breakglass.publicKey),
      policy: { label: 'break glass', maxAgeMs: 10 * minuteMs, auditEveryUse: true },
    },
  ],
]);

const command: Command = { id: 'j', version: '1', request_id: 'r', shell: 'sh', script: 'true', timeout_secs: 5 };
const envelope = {
  kind: 'kanade.command.v2',
  target_pc_id: 'pc-1',
  expires_at: at(nowMs + 60 * minuteMs),
  command,
};

interface Given {
  readonly body?: unknown;
  readonly kid?: 'main' | 'glass';
  readonly atMs?: number;
  readonly headers?: Headers;
  readonly tamper?: boolean;
}

function check({ body = envelope, kid = 'main', atMs = nowMs, headers = {}, tamper = false }: Given): Verification {
  const bytes = body instanceof Uint8Array ? body : new TextEncoder().encode(JSON.stringify(body));
  const { privateKey } = kid === 'main' ? keys.backend : keys.breakglass;
  const signature = new Uint8Array(sign(null, signedMaterial(atMs, bytes), privateKey));
  const written = { ...writeSignatureHeaders({ kid, bytes: signature, atMs }), ...headers };
  const received = tamper ? new TextEncoder().encode(JSON.stringify({ ...envelope, target_pc_id: 'pc-2' })) : bytes;
  return verifyCommand({ body: received, headers: written }, keyring, { pcId: 'pc-1', nowMs });
}

const none: Headers = Object.fromEntries(Object.values(signatureHeaders).map((name) => [name, undefined]));

it('verifyCommand() accepts an envelope for this machine and gives its start deadline', () => {
  expect(check({})).toEqual({
    ok: true,
    protocol: 'kanade.command.v2',
    command,
    kid: 'main',
    policy: { label: 'backend', auditEveryUse: false },
    signedAtMs: nowMs,
    startDeadlineMs: nowMs + 60 * minuteMs,
    event: 'command_signature_ok',
  });
});

it('verifyCommand() accepts a legacy order after days from a key without a maximum age, and its old field name', () => {
  const accepted = check({ body: { ...command, job_id: 'e' }, atMs: nowMs - 6 * dayMs });
  expect(accepted).toMatchObject({
    ok: true,
    protocol: 'legacy',
    command: { exec_id: 'e' },
    startDeadlineMs: undefined,
  });
});

it('verifyCommand() takes the earlier of expiry and deadline, inclusive', () => {
  const body = { ...envelope, command: { ...command, deadline_at: at(nowMs) } };
  expect(check({ body })).toMatchObject({ ok: true, startDeadlineMs: nowMs });
});

const beyond = nowMs + 61 * minuteMs;
it.each<[string, Given, string, string | undefined]>([
  ['unsigned envelope', { headers: none }, 'Unsigned always', 'command_signature_invalid'],
  ['unsigned legacy', { body: command, headers: none }, 'Unsigned enforcing', undefined],
  [
    'one header only',
    { headers: { ...none, 'Kanade-Sig-Kid': 'main' } },
    'Malformed always',
    'command_signature_invalid',
  ],
  [
    'only the algorithm',
    { headers: { ...none, 'Kanade-Sig-Alg': 'ed25519' } },
    'Malformed always',
    'command_signature_invalid',
  ],
  ['signature not base64', { headers: { 'Kanade-Sig': '%%%' } }, 'Malformed always', 'command_signature_invalid'],
  ['signature too short', { headers: { 'Kanade-Sig': 'AAAA' } }, 'Malformed always', 'command_signature_invalid'],
  ['time not a number', { headers: { 'Kanade-Sig-At': '1e3' } }, 'Malformed always', 'command_signature_invalid'],
  ['other algorithm', { headers: { 'Kanade-Sig-Alg': 'rsa' } }, 'UnsupportedAlg always', 'command_signature_invalid'],
  ['other key', { headers: { 'Kanade-Sig-Kid': 'old' } }, 'UnknownKid always', 'command_signature_invalid'],
  ['changed bytes', { tamper: true }, 'BadSignature always', 'command_signature_invalid'],
  [
    'changed time',
    { headers: { 'Kanade-Sig-At': String(nowMs + 1) } },
    'BadSignature always',
    'command_signature_invalid',
  ],
  [
    'unknown kind',
    { body: { ...envelope, kind: 'v3' } },
    'EnvelopeRejected always',
    'command_signature_envelope_rejected',
  ],
  [
    'kind null in a legacy order',
    { body: { ...command, kind: null } },
    'EnvelopeRejected always',
    'command_signature_envelope_rejected',
  ],
  [
    'unknown field',
    { body: { ...envelope, also: 1 } },
    'EnvelopeRejected always',
    'command_signature_envelope_rejected',
  ],
  [
    'no recipient',
    { body: { ...envelope, target_pc_id: '' } },
    'EnvelopeRejected always',
    'command_signature_envelope_rejected',
  ],
  [
    'recipient in other case',
    { body: { ...envelope, target_pc_id: 'PC-1' } },
    'Misaddressed always',
    'command_signature_misaddressed',
  ],
  [
    'expiry unreadable',
    { body: { ...envelope, expires_at: 'soon' } },
    'EnvelopeRejected always',
    'command_signature_envelope_rejected',
  ],
  [
    'command broken',
    { body: { ...envelope, command: { id: 'j' } } },
    'EnvelopeRejected always',
    'command_signature_envelope_rejected',
  ],
  [
    'signed ahead',
    { atMs: beyond, body: { ...envelope, expires_at: at(beyond) } },
    'ClockAhead always',
    'command_signature_clock_ahead',
  ],
  [
    'expires before signing',
    { body: { ...envelope, expires_at: at(nowMs - 1) } },
    'EnvelopeRejected always',
    'command_signature_envelope_rejected',
  ],
  [
    'lives too long',
    { body: { ...envelope, expires_at: at(nowMs + 7 * dayMs + 1) } },
    'EnvelopeRejected always',
    'command_signature_envelope_rejected',
  ],
  [
    'expired',
    { atMs: nowMs - 2, body: { ...envelope, expires_at: at(nowMs - 1) } },
    'Expired always',
    'command_signature_expired',
  ],
  [
    'deadline passed',
    { body: { ...envelope, command: { ...command, deadline_at: at(nowMs - 1) } } },
    'Expired always',
    'command_signature_expired',
  ],
  [
    'old use of a short-lived key',
    { kid: 'glass', atMs: nowMs - 11 * minuteMs },
    'Stale always',
    'command_signature_stale',
  ],
  [
    'the same, legacy',
    { kid: 'glass', atMs: nowMs - 11 * minuteMs, body: command },
    'Stale enforcing',
    'command_signature_stale',
  ],
  [
    'short-lived key from the future',
    { kid: 'glass', atMs: beyond, body: command },
    'ClockAhead enforcing',
    'command_signature_clock_ahead',
  ],
  ['legacy that is no command', { body: { id: 'j' } }, 'Undecodable drop', undefined],
  ['no JSON', { body: new Uint8Array([0xff]) }, 'Undecodable drop', undefined],
])('verifyCommand() refuses: %s', (_name, given, outcome, event) => {
  const refused = check(given);
  expect(refused).toMatchObject({ ok: false, event });
  expect(refused.ok || `${refused.error} ${refused.refuse}`).toBe(outcome);
});

it.each<[string, Given, string]>([
  ['signature before kind', { body: { ...envelope, kind: 'v3' }, headers: { 'Kanade-Sig-Kid': 'old' } }, 'UnknownKid'],
  ['kind before unknown fields', { body: { ...envelope, kind: 'v3', also: 1 } }, 'kind is not'],
  ['unknown fields before recipient', { body: { ...envelope, also: 1, target_pc_id: 'x' } }, 'unknown fields: also'],
  ['recipient before expiry', { body: { ...envelope, target_pc_id: 'x', expires_at: 'soon' } }, 'Misaddressed'],
  ['expiry before command', { body: { ...envelope, expires_at: 'soon', command: {} } }, 'expires_at'],
  ['command before clock', { atMs: beyond, body: { ...envelope, command: {} } }, 'the command does not decode'],
  ['clock before life', { atMs: beyond, body: envelope }, 'ClockAhead'],
  ['life before expiry', { body: { ...envelope, expires_at: at(nowMs - 1) } }, 'expires before it was signed'],
  [
    'expiry before age of the key',
    { kid: 'glass', atMs: nowMs - 11 * minuteMs, body: { ...envelope, expires_at: at(nowMs - 1) } },
    'Expired',
  ],
])('verifyCommand() looks at the %s', (_name, given, found) => {
  const refused = check(given);
  expect(refused.ok || `${refused.error}: ${refused.reason}`).toContain(found);
});

it('a refused legacy order still gives its command, for an agent that does not enforce', () => {
  expect(check({ body: command, headers: none })).toMatchObject({ command });
  expect(check({ headers: none })).toMatchObject({ command: undefined });
});

it('an absent algorithm means the original one', () => {
  expect(check({ headers: { 'Kanade-Sig-Alg': undefined } })).toMatchObject({ ok: true });
});

it('signedMaterial() is 8 bytes of time, big-endian, then the body', () => {
  expect([...signedMaterial(258, new Uint8Array([7]))]).toEqual([0, 0, 0, 0, 0, 0, 1, 2, 7]);
  expect([...signedMaterial(-1, new Uint8Array())]).toEqual(Array(8).fill(255));
});

it('commandKey() is the key id and the first 8 bytes of the hash', () => {
  expect(
    commandKey(
      'main',
      Uint8Array.from({ length: 32 }, (_, index) => index),
    ),
  ).toBe('main:0001020304050607');
});

it('verifyCommand() refuses what it accepts once any one byte of body or signature, or any digit of the time, is another', () => {
  const body = new TextEncoder().encode(JSON.stringify(envelope));
  const bytes = new Uint8Array(sign(null, signedMaterial(nowMs, body), keys.backend.privateKey));
  const given = { kid: 'main', bytes, atMs: nowMs };
  const judge = (changed: Uint8Array, signature: Signature) =>
    verifyCommand({ body: changed, headers: writeSignatureHeaders(signature) }, keyring, { pcId: 'pc-1', nowMs });
  expect(judge(body, given).ok).toBe(true);
  const flipped = (from: Uint8Array, at: number, bit: number) =>
    from.map((byte, index) => (index === at ? byte ^ (1 << bit) : byte));
  for (let at = 0; at < body.length; at++) expect(judge(flipped(body, at, at % 8), given).ok, `byte ${at}`).toBe(false);
  for (let bit = 0; bit < 512; bit++) {
    const changed = { ...given, bytes: flipped(bytes, bit >> 3, bit & 7) };
    expect(judge(body, changed), `bit ${bit}`).toMatchObject({ ok: false, error: 'BadSignature' });
  }
  for (const aside of [1, 10, 1_000, -1, -60_000])
    expect(judge(body, { ...given, atMs: nowMs + aside })).toMatchObject({ ok: false, error: 'BadSignature' });
  for (const cut of [body.subarray(1), body.subarray(0, -1), Uint8Array.from([...body, 0x20])])
    expect(judge(cut, given).ok).toBe(false);
});

it('verifyCommand() never throws and never accepts whatever stands in headers and body', () => {
  const hostile = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom(
      '',
      '0',
      '-1',
      'NaN',
      '9'.repeat(17),
      'ed25519',
      'ED25519',
      'main',
      '__proto__',
      'x'.repeat(10_000),
    ),
    fc.base64String(),
  );
  const headers = fc.record(
    Object.fromEntries(Object.values(signatureHeaders).map((name) => [name, fc.option(hostile, { nil: undefined })])),
  );
  const body = fc.oneof(
    fc.uint8Array(),
    fc.json().map((text) => new TextEncoder().encode(text)),
  );
  fc.assert(
    fc.property(body, headers, (bytes, given) => {
      const verification = verifyCommand({ body: bytes, headers: given }, keyring, { pcId: 'pc-1', nowMs });
      expect(verification.ok).toBe(false);
      expect(verification.ok || verification.reason.length).toBeLessThan(400);
    }),
  );
});

it('signatures of an independent implementation are accepted (RFC 8032 key, made with Python cryptography)', () => {
  const body = new TextEncoder().encode(
    '{"id":"j","version":"1","request_id":"r","shell":"sh","script":"true","timeout_secs":5}',
  );
  const verifyRaw = verifyWith(
    createPublicKey({
      key: { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' },
      format: 'jwk',
    }),
  );
  const ring: Keyring = new Map([['rfc', { verify: verifyRaw, policy: { label: 'rfc', auditEveryUse: false } }]]);
  const headers = {
    'Kanade-Sig': 'Nk2FjjcYIBHOi1EcEiBpSJ0vLWfPkAtp3Dx6tlY1+bRvXWzQuyC3AVxUC+djKHrgiackkWiCUYahEImR463JDg==',
    'Kanade-Sig-Kid': 'rfc',
    'Kanade-Sig-At': '1795248000000',
  };
  expect(verifyCommand({ body, headers }, ring, { pcId: 'pc-1', nowMs })).toMatchObject({ ok: true, kid: 'rfc' });
});
