/** Every state of the ring × every state of a signature × both protocols: what becomes of the order. */
import { generateKeyPairSync, sign, verify } from 'node:crypto';
import {
  type Command,
  createCommandReader,
  type Headers,
  signedMaterial,
  writeSignatureHeaders,
} from '@kanade/shared/fleet';
import { describe, expect, it } from 'vitest';
import type { KeyRing } from './key-ring.ts';
import { type Judgement, judge } from './verify.ts';

const nowMs = Date.parse('2026-11-27T08:00:00Z');
const minuteMs = 60_000;
const at = (ms: number): string => new Date(ms).toISOString();
const readCommand = createCommandReader();

const [ours, other] = [generateKeyPairSync('ed25519'), generateKeyPairSync('ed25519')];
const command: Command = { id: 'job', version: '1', request_id: 'r', shell: 'sh', script: 'true', timeout_secs: 1 };
const policy = { label: 'operators', auditEveryUse: false };
const glassPolicy = { label: 'emergency', maxAgeMs: 10 * minuteMs, auditEveryUse: true };
const verifyOurs = (message: Uint8Array, signature: Uint8Array): boolean =>
  verify(null, message, ours.publicKey, signature);
const held = (enforcing: boolean): KeyRing => ({
  kind: 'held',
  enforcing,
  commandKeys: [],
  keys: new Map([
    ['ops', { policy, verify: verifyOurs }],
    ['glass', { policy: glassPolicy, verify: verifyOurs }],
  ]),
});

const rings: Readonly<Record<string, KeyRing>> = {
  absent: { kind: 'absent' },
  empty: { kind: 'held', enforcing: false, commandKeys: [], keys: new Map() },
  watching: held(false),
  enforcing: held(true),
  locked: { kind: 'locked', reason: 'it is empty' },
};

interface Signing {
  readonly kid?: string;
  readonly key?: typeof ours;
  readonly atMs?: number;
  /** What is changed after signing. */
  readonly change?: (headers: Record<string, string>, body: Uint8Array) => { headers: Headers; body: Uint8Array };
}

const signings: Readonly<Record<string, Signing>> = {
  good: {},
  'emergency key': { kid: 'glass' },
  'emergency key, too old': { kid: 'glass', atMs: nowMs - 11 * minuteMs },
  unsigned: { change: (_, body) => ({ headers: {}, body }) },
  'unknown key id': { kid: 'nobody' },
  'key of another': { key: other },
  'other algorithm': { change: (headers, body) => ({ headers: { ...headers, 'Kanade-Sig-Alg': 'rsa' }, body }) },
  'half of the headers': { change: ({ 'Kanade-Sig': one }, body) => ({ headers: { 'Kanade-Sig': one }, body }) },
  'a changed byte': {
    change: (headers, body) => ({
      headers,
      body: Buffer.from(Buffer.from(body).toString().replace('"true"', '"trua"')),
    }),
  },
};

const bodies: Readonly<Record<string, (atMs: number) => object>> = {
  legacy: () => command,
  envelope: (atMs) => ({
    kind: 'kanade.command.v2',
    target_pc_id: 'pc-1',
    expires_at: at(Math.max(atMs, nowMs) + minuteMs),
    command,
  }),
};

function order(signing: Signing, body: object): { body: Uint8Array; headers: Headers } {
  const { kid = 'ops', key = ours, atMs = nowMs, change } = signing;
  const bytes = new TextEncoder().encode(JSON.stringify(body));
  const headers = writeSignatureHeaders({ kid, atMs, bytes: sign(null, signedMaterial(atMs, bytes), key.privateKey) });
  return change?.(headers, bytes) ?? { body: bytes, headers };
}

/** `runs`, `runs, tells` …: the word for what became of it, and the kind of its event without its prefix. */
function told(judgement: Judgement): string {
  if (judgement.kind === 'undecodable') return 'dropped';
  const event = judgement.event?.kind.replace('command_signature_', '');
  const word = judgement.kind === 'accepted' ? 'runs' : judgement.command ? 'refused 123' : 'refused';
  return event === undefined ? word : `${word}, ${event}`;
}

const expected: Readonly<Record<string, Readonly<Record<string, readonly [legacy: string, envelope: string]>>>> = {
  absent: {
    '*': ['runs', 'refused, invalid'],
  },
  empty: {
    '*': ['runs, invalid', 'refused, invalid'],
    unsigned: ['runs', 'refused, invalid'],
  },
  watching: {
    '*': ['runs, invalid', 'refused, invalid'],
    good: ['runs', 'runs'],
    'emergency key': ['runs, ok', 'runs, ok'],
    'emergency key, too old': ['runs, stale', 'refused, stale'],
    unsigned: ['runs', 'refused, invalid'],
  },
  enforcing: {
    '*': ['refused 123, invalid', 'refused, invalid'],
    good: ['runs', 'runs'],
    'emergency key': ['runs, ok', 'runs, ok'],
    'emergency key, too old': ['refused 123, stale', 'refused, stale'],
    unsigned: ['refused 123', 'refused, invalid'],
  },
  locked: {
    '*': ['refused 123, invalid', 'refused, invalid'],
  },
};

const cases = Object.keys(rings).flatMap((ring) =>
  Object.keys(signings).flatMap((signing) =>
    Object.keys(bodies).map((protocol, at) => {
      const row = expected[ring]?.[signing] ?? expected[ring]?.['*'];
      return [ring, signing, protocol, row?.[at] ?? ''] as const;
    }),
  ),
);

describe('judge()', () => {
  it.each(cases)('ring %s, signature %s, %s: %s', (ring, signing, protocol, outcome) => {
    const given = signings[signing] ?? {};
    const received = order(given, bodies[protocol]?.(given.atMs ?? nowMs) ?? {});
    const judgement = judge(received, rings[ring] as KeyRing, { pcId: 'pc-1', nowMs, readCommand });
    expect(told(judgement)).toBe(outcome);
    if (judgement.kind === 'accepted') expect(judgement.command.request_id).toBe(command.request_id);
  });

  const sealed = (over: object): object => ({ ...bodies.envelope?.(nowMs), ...over });
  it.each<[string, object, string]>([
    ['for another machine', sealed({ target_pc_id: 'pc-2' }), 'misaddressed'],
    ['expired', sealed({ expires_at: at(nowMs - 1) }), 'envelope_rejected'],
    ['of an unknown kind', sealed({ kind: 'kanade.command.v3' }), 'envelope_rejected'],
    ['with a field that is not known', sealed({ priority: 1 }), 'envelope_rejected'],
    ['whose command is past its deadline', sealed({ command: { ...command, deadline_at: at(nowMs - 1) } }), 'expired'],
  ])('an envelope %s is refused, whether or not the ring is enforcing', (_, body, event) => {
    for (const ring of [held(false), held(true)])
      expect(told(judge(order({}, body), ring, { pcId: 'pc-1', nowMs, readCommand }))).toBe(`refused, ${event}`);
  });

  it('holds a run to the earlier of expiry and deadline', () => {
    const deadline = (body: object): string | undefined => {
      const judgement = judge(order({}, body), held(true), { pcId: 'pc-1', nowMs, readCommand });
      return judgement.kind === 'accepted' ? judgement.command.deadline_at : judgement.kind;
    };
    const soon = at(nowMs + 1_000);
    expect(deadline(sealed({}))).toBe(at(nowMs + minuteMs));
    expect(deadline(sealed({ command: { ...command, deadline_at: soon } }))).toBe(soon);
    expect(deadline({ ...command, deadline_at: '2026-11-27T09:00:01+01:00' })).toBe('2026-11-27T09:00:01+01:00');
    expect(deadline(command)).toBeUndefined();
  });

  it('says why the ring is not relied upon', () => {
    const judgement = judge(order({}, command), rings.locked as KeyRing, { pcId: 'pc-1', nowMs, readCommand });
    expect(judgement).toMatchObject({ reason: 'the key ring of this machine cannot be relied upon: it is empty' });
  });
});
