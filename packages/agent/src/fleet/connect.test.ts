import { describe, expect, it } from 'vitest';
import { reconnectPauseMs } from './connect.ts';

describe('reconnectPauseMs()', () => {
  it.each([
    [0, 0, 250],
    [0, 1, 500],
    [4_000, 0, 1_000],
    [3_600_000, 0, 15_000],
    [3_600_000, 1, 30_000],
  ])('away for %i ms with random %d: %i ms', (awayMs, random, expected) => {
    expect(reconnectPauseMs(awayMs, random)).toBe(expected);
  });
});
