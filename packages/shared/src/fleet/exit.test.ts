import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { countsForCheck, refusalResultId, syntheticExits, verdictOf } from './exit.ts';

it.each([
  [0, false, 'succeeded', true],
  [1, false, 'failed', true],
  [126, false, 'failed', true],
  [126, true, 'skipped', false],
  [0, undefined, 'succeeded', true],
  [125, undefined, 'failed', false],
  [121, undefined, 'failed', true],
  [123, false, 'failed', true],
])('exit %i, skipped %s: %s, counts for a check: %s', (exit_code, skipped, verdict, counts) => {
  expect(verdictOf({ exit_code, skipped })).toBe(verdict);
  expect(countsForCheck({ exit_code, skipped })).toBe(counts);
});

it('synthetic exits have their codes once, and only policy skips are skips', () => {
  const rows = Object.values(syntheticExits);
  expect(rows.map(({ code }) => code)).toEqual([127, 126, 125, 124, 123, 122, 121, -1]);
  expect(rows.filter(({ skipped }) => skipped).map(({ code }) => code)).toEqual([127, 126, 125, 124, 122]);
});

it('refusalResultId() is the UUIDv5 that other languages make of the same name', () => {
  const sha1 = (bytes: Uint8Array): Uint8Array => createHash('sha1').update(bytes).digest();
  expect(refusalResultId('r-1', 'pc-1', sha1)).toBe('e7f4fe14-b402-5f75-9159-12392b7e5463');
  expect(refusalResultId('r-1', 'pc-2', sha1)).not.toBe(refusalResultId('r-2', 'pc-1', sha1));
});
