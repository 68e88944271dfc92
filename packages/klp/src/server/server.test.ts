import { expect, it } from 'vitest';
import { createRateLimit, createUserRates } from './server.ts';

it('createUserRates gives all connections of a user one bucket', () => {
  const rates = createUserRates({ requestsPerUserPerMinute: 2 });
  const [first, second] = [rates.of('uid-1'), rates.of('uid-1')];
  const nowMs = performance.now();
  expect([first.take(nowMs), second.take(nowMs), first.take(nowMs), rates.of('uid-1').take(nowMs)]).toEqual([
    true,
    true,
    false,
    false,
  ]);
  expect(rates.of('uid-2').take(nowMs)).toBe(true);
});

it('createUserRates keeps an empty bucket however many users come', () => {
  const rates = createUserRates({ requestsPerUserPerMinute: 1 });
  const nowMs = performance.now();
  expect(rates.of('uid-1').take(nowMs)).toBe(true);
  for (let user = 2; user < 5_000; user += 1) rates.of(`uid-${user}`).take(nowMs);
  expect(rates.of('uid-1').take(nowMs)).toBe(false);
});

it('createUserRates refuses a rate of 0 when it is made', () => {
  expect(() => createUserRates({ requestsPerUserPerMinute: 0 })).toThrow(RangeError);
});

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
