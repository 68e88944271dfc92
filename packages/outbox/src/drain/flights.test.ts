import { describe, expect, it } from 'vitest';
import { afterAttempt, backoffMs } from './flights.ts';

const limits = { attemptsMax: 10, backoffFirstMs: 1_000, backoffMaxMs: 300_000 };

describe('backoffMs', () => {
  it.each([
    { attempts: 1, random: 0.5, ms: 1_000 },
    { attempts: 1, random: 0, ms: 800 },
    { attempts: 1, random: 0.999_999, ms: 1_200 },
    { attempts: 2, random: 0.5, ms: 2_000 },
    { attempts: 9, random: 0.5, ms: 256_000 },
    { attempts: 10, random: 0.5, ms: 300_000 },
    { attempts: 10, random: 0.999_999, ms: 300_000 },
    { attempts: 10, random: 0, ms: 240_000 },
    { attempts: 1_000_000, random: 0.5, ms: 300_000 },
  ])('after attempt $attempts with $random waits $ms ms', ({ attempts, random, ms }) => {
    expect(backoffMs(attempts, random, limits)).toBe(ms);
  });

  it('never waits nothing', () => {
    expect(backoffMs(1, 0, { ...limits, backoffFirstMs: 1, backoffMaxMs: 1 })).toBe(1);
  });
});

describe('afterAttempt', () => {
  const failed = { attempts: 0, failure: 'no', counts: true, nowMs: 5_000, random: 0.5 };
  it.each([
    { name: 'a success', attempt: { ...failed, failure: null }, next: { kind: 'remove', receipt: null } },
    {
      name: 'a success while stopping',
      attempt: { ...failed, failure: null, counts: false },
      next: { kind: 'remove', receipt: null },
    },
    {
      name: 'a success with a receipt',
      attempt: { ...failed, failure: null, receipt: 'as 7' },
      next: { kind: 'remove', receipt: 'as 7' },
    },
    { name: 'a failure offline', attempt: { ...failed, attempts: 9, counts: false }, next: { kind: 'keep' } },
    {
      name: 'no room, however often',
      attempt: { ...failed, attempts: 9, isNotNow: true },
      next: { kind: 'later', attempts: 9, dueMs: 9_000, reason: 'no' },
    },
    { name: 'the first failure', attempt: failed, next: { kind: 'retry', attempts: 1, dueMs: 6_000, reason: 'no' } },
    {
      name: 'the last failure but one',
      attempt: { ...failed, attempts: 8 },
      next: { kind: 'retry', attempts: 9, dueMs: 261_000, reason: 'no' },
    },
    {
      name: 'the last failure',
      attempt: { ...failed, attempts: 9 },
      next: { kind: 'quarantine', attempts: 10, reason: 'no' },
    },
  ])('after $name: $next.kind', ({ attempt, next }) => {
    expect(afterAttempt(attempt, limits)).toEqual(next);
  });
});
