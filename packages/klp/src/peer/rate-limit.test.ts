import { expect, it } from 'vitest';
import { createRateLimit } from './rate-limit.ts';

it('createRateLimit allows the whole minute at once, then one per sixtieth', () => {
  const rate = createRateLimit(60, 0);
  for (let taken = 0; taken < 60; taken += 1) expect(rate.take(0)).toBe(true);
  expect(rate.take(999)).toBe(false);
  expect(rate.take(1_000)).toBe(true);
  expect(rate.take(1_000)).toBe(false);
});

it('createRateLimit never holds more than a minute', () => {
  const rate = createRateLimit(2, 0);
  expect([rate.take(3_600_000), rate.take(3_600_000), rate.take(3_600_000)]).toEqual([true, true, false]);
});

it.each([0, -1, Number.NaN])('createRateLimit refuses %s', (perMinute) => {
  expect(() => createRateLimit(perMinute, 0)).toThrow(RangeError);
});
