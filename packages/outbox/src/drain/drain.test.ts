import { describe, expect, it } from 'vitest';
import { idleMs } from './drain.ts';

describe('idleMs', () => {
  it.each([
    { nextDueMs: null, ms: 1_000 },
    { nextDueMs: 100_250, ms: 250 },
    { nextDueMs: 105_000, ms: 1_000 },
    { nextDueMs: 99_000, ms: 1 },
  ])('with the next record due at $nextDueMs sleeps $ms ms', ({ nextDueMs, ms }) => {
    expect(idleMs(100_000, nextDueMs, 1_000)).toBe(ms);
  });
});
