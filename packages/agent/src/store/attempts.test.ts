import { describe, expect, it } from 'vitest';
import { lockOf } from './attempts.ts';

const minute = 60_000;
const every = (gapMs: number, count: number): number[] => Array.from({ length: count }, (_, index) => index * gapMs);

describe('lockOf()', () => {
  it.each<[string, number[], number, number | undefined]>([
    ['nothing', [], 0, undefined],
    ['four wrong tries', every(1000, 4), 4000, undefined],
    ['five within five minutes', every(minute, 5), 4 * minute, 9 * minute],
    ['the last moment of the lock', every(minute, 5), 9 * minute - 1, 9 * minute],
    ['its end', every(minute, 5), 9 * minute, undefined],
    ['five that took longer', every(76_000, 5), 5.1 * minute, undefined],
    ['five, long before a sixth', [...every(1000, 5), 20 * minute], 20 * minute, undefined],
    ['tries of a clock that was wrong', every(1000, 5).map((ms) => ms + 1e9), 4000, undefined],
  ])('%s', (_, wrong, nowMs, expected) => {
    expect(lockOf(wrong, nowMs)).toBe(expected);
  });
});
