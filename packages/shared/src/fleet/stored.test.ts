import { expect, it } from 'vitest';
import { isFrozen, isSupportCodeUsable, supportMinutesOf } from './stored.ts';

const nowMs = Date.parse('2026-11-21T08:00:00Z');
const blob = (text: string): Uint8Array => new TextEncoder().encode(text);

it.each([
  ['no value', undefined, false],
  ['no bounds', blob('{}'), true],
  ['from now', blob('{"from":"2026-11-21T08:00:00Z"}'), true],
  ['from later', blob('{"from":"2026-11-21T08:00:01Z"}'), false],
  ['until now', blob('{"until":"2026-11-21T08:00:00Z"}'), false],
  ['until later, null from', blob('{"from":null,"until":"2026-11-21T08:00:01Z"}'), true],
  ['no JSON', blob('frozen'), true],
  ['empty bytes', blob(''), true],
  ['JSON null', blob('null'), true],
  ['a bad time', blob('{"until":"yesterday"}'), true],
  ['bytes that are no text', new Uint8Array([0xff]), true],
])('isFrozen(): %s: %s', (_name, bytes, frozen) => {
  expect(isFrozen(bytes, nowMs)).toBe(frozen);
});

it.each([
  [undefined, 15],
  [null, 15],
  [0, 1],
  [-5, 1],
  [30, 30],
  [9999, 480],
])('supportMinutesOf(%s) is %i', (ttl_minutes, minutes) => {
  expect(supportMinutesOf({ ttl_minutes })).toBe(minutes);
});

it('a code without hash, or one that is disabled, opens nothing', () => {
  expect(isSupportCodeUsable({ scope: 's', hash: '$argon2id$' })).toBe(true);
  expect(isSupportCodeUsable({ scope: 's', hash: '' })).toBe(false);
  expect(isSupportCodeUsable({ scope: 's', hash: '$argon2id$', disabled: true })).toBe(false);
});
