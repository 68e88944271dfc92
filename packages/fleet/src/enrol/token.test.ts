import { describe, expect, it } from 'vitest';
import { newUser, seedOf } from './nkey-file.ts';
import { parseToken, tokenText } from './token.ts';

const user = newUser();
const claims = Buffer.from(JSON.stringify({ sub: user.getPublicKey() })).toString('base64url');
const token = {
  id: 't-1',
  servers: ['tls://a.example:4222'],
  jwt: `eyJ.${claims}.c2ln`,
  seed: seedOf(user),
  expires_at: '2026-12-01T00:00:00.000Z',
};
const nowMs = Date.parse('2026-11-30T00:00:00Z');
const text = tokenText(token);
const wrong = (why: RegExp) =>
  expect.objectContaining({ code: 'enrol_token_invalid', message: expect.stringMatching(why) });

describe('parseToken()', () => {
  it('reads what tokenText() writes, with white space around it', () => {
    expect(text).toMatch(/^kanade-enrol-1\.[\w-]+\.[\w-]{8}$/);
    expect(parseToken(` ${text}\r\n`, nowMs)).toEqual(token);
  });

  it.each([
    ['', /does not begin with/],
    ['x', /does not begin with/],
    ['x'.repeat(200_000), /more than/],
    [text.replace('-1.', '-2.'), /this version reads kanade-enrol-1/],
    [text.slice(0, -1), /missing, or was changed/],
    [text.slice(0, 100), /missing, or was changed/],
    [text.replace(/\.(.)/, (_, sign) => `.${sign === 'A' ? 'B' : 'A'}`), /missing, or was changed/],
    [`${text}.x`, /missing, or was changed/],
    [tokenText({} as never), /cannot be used/],
    [tokenText([] as never), /cannot be used/],
    [tokenText({ ...token, more: 1 } as never), /cannot be used/],
    [tokenText({ ...token, seed: 'SUAAA' }), /seed/],
    [tokenText({ ...token, seed: seedOf(newUser()) }), /another key/],
    [tokenText({ ...token, jwt: '..' }), /another key/],
    [tokenText({ ...token, servers: [] }), /servers/],
    [tokenText({ ...token, servers: ['nats://user:word@a.example:4222'] }), /servers/],
    [tokenText({ ...token, servers: ['http://a.example'] }), /servers/],
    [tokenText({ ...token, servers: ['nats://a:1"]\ntoken: x'] }), /servers/],
    [tokenText({ ...token, ca: '/etc/shadow' }), /no PEM/],
    [tokenText({ ...token, id: '../x' }), /id/],
  ])('refuses %.60j and repeats nothing of it', (hostile, why) => {
    expect(() => parseToken(hostile, nowMs)).toThrow(wrong(why));
    try {
      parseToken(hostile, nowMs);
    } catch (error) {
      expect(String(error)).not.toContain(token.seed);
    }
  });

  it('an ended one says so', () => {
    expect(() => parseToken(text, Date.parse(token.expires_at))).toThrow(
      expect.objectContaining({ code: 'enrol_token_expired' }),
    );
  });
});
