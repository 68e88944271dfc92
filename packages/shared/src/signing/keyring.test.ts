import { describe, expect, it } from 'vitest';
import { keyPolicy, keyringKeysMax, publicKeyOf, readKeyring } from './keyring.ts';

/** The public key of RFC 8032, section 7.1, test 1. */
const publicKey = '11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=';
const ring = (over: object = {}): string =>
  JSON.stringify({ kind: 'kanade.keyring.v1', keys: [{ kid: 'a', public_key: publicKey }], ...over });
const key = (over: object): string => ring({ keys: [{ kid: 'a', public_key: publicKey, ...over }] });
const read = (...texts: string[]) => readKeyring(texts.map((text, at) => ({ name: `${at}.json`, text })));
const zeros = (head: number): string => Buffer.from([head, ...Array(31).fill(0)]).toString('base64');

describe('readKeyring()', () => {
  it('takes the files together, and enforces when one of them says so', () => {
    const other = ring({
      enforcing: true,
      keys: [{ kid: 'b', public_key: publicKey, label: 'B', max_age: '10m', audit_every_use: true }],
    });
    expect(read(ring(), other)).toEqual({
      ok: true,
      enforcing: true,
      keys: [
        { kid: 'a', public_key: publicKey },
        { kid: 'b', public_key: publicKey, label: 'B', max_age: '10m', audit_every_use: true },
      ],
    });
    expect(read(ring({ enforcing: false }))).toMatchObject({ ok: true, enforcing: false });
    expect(read(ring({ keys: [] }))).toEqual({ ok: true, keys: [], enforcing: false });
  });

  it.each<[string, string[], string]>([
    ['no file', [], 'no file of a key ring is there'],
    ['an empty file', [''], '0.json: it is empty'],
    ['blanks', [' \n'], '0.json: it is empty'],
    ['a truncated file', [ring().slice(0, -2)], '0.json: it is not JSON'],
    ['a good file and a bad one', [ring(), '{'], '1.json: it is not JSON'],
    ['null', ['null'], '0.json: must be an object'],
    ['a list', ['[]'], '0.json: must be an object'],
    ['another kind', [ring({ kind: 'kanade.keyring.v2' })], '0.json: kind must be "kanade.keyring.v1"'],
    ['no kind', ['{"keys":[]}'], '0.json: kind is required'],
    ['no keys', ['{"kind":"kanade.keyring.v1"}'], '0.json: keys is required'],
    ['an unknown field', [ring({ enforce: true })], '0.json: enforce unknown key'],
    ['an unknown field of a key', [key({ expires: 1 })], '0.json: keys.0.expires unknown key'],
    ['enforcing as a text', [ring({ enforcing: 'yes' })], '0.json: enforcing must be true or false'],
    ['enforcing as null', [ring({ enforcing: null })], '0.json: enforcing must be true or false'],
    ['enforcing without a key', [ring({ enforcing: true, keys: [] })], 'the ring is enforcing and has no key'],
    ['a key id twice', [ring(), ring()], '1.json: key a is there twice'],
    ['a key id that is none', [key({ kid: 'a:b' })], '0.json: keys.0.kid must be a key id'],
    ['a short key', [key({ public_key: 'AAAA' })], '0.json: keys.0.public_key must be the base64'],
    [
      'a key in base64url',
      [key({ public_key: publicKey.replaceAll('/', '_') })],
      'keys.0.public_key must be the base64',
    ],
    ['a key of zeros', [key({ public_key: zeros(0) })], 'keys.0.public_key must be the base64'],
    ['an age that is none', [key({ max_age: 'soon' })], 'keys.0.max_age must be a duration'],
    [
      'too many keys',
      [
        ring({
          keys: Array.from({ length: keyringKeysMax + 1 }, (_, at) => ({ kid: `k${at}`, public_key: publicKey })),
        }),
      ],
      'keys must be at most 256',
    ],
  ])('has a fault in %s', (_, texts, reason) => {
    expect(read(...texts)).toEqual({ ok: false, reason: expect.stringContaining(reason) });
  });
});

describe('publicKeyOf()', () => {
  it.each([zeros(0), zeros(1), zeros(2).slice(0, -4), 'xxxx', ''])('%j is no key', (text) => {
    expect(publicKeyOf(text)).toBeUndefined();
  });
  it('refuses every point of small order with either sign', () => {
    const order8 = Buffer.from('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85', 'hex');
    expect(publicKeyOf(order8.toString('base64'))).toBeUndefined();
    expect(publicKeyOf(publicKey)).toHaveLength(32);
  });
});

it('keyPolicy() names the key when it has no label, and has an age in ms only where one is given', () => {
  expect(keyPolicy({ kid: 'a', public_key: publicKey })).toEqual({ label: 'a', auditEveryUse: false });
  expect(keyPolicy({ kid: 'a', public_key: publicKey, label: 'L', max_age: '1h 30m', audit_every_use: true })).toEqual({
    label: 'L',
    maxAgeMs: 5_400_000,
    auditEveryUse: true,
  });
});
