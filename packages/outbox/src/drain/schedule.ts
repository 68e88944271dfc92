import type { OutboxLimits } from '../core/limits.ts';

type BackoffLimits = Pick<OutboxLimits, 'attemptsMax' | 'backoffFirstMs' | 'backoffMaxMs'>;

/** Part of a wait that chance decides, so that a thousand machines do not come back in the same second. */
const jitterShare = 0.4;

/** The wait after the n-th failed attempt: the first wait doubled n-1 times, +-20 %, never over the maximum. `random` is in [0, 1). */
export function backoffMs(attempts: number, random: number, limits: BackoffLimits): number {
  const doubled = limits.backoffFirstMs * 2 ** Math.min(attempts - 1, 40);
  const jittered = Math.min(doubled, limits.backoffMaxMs) * (1 - jitterShare / 2 + jitterShare * random);
  return Math.max(1, Math.min(Math.round(jittered), limits.backoffMaxMs));
}

export type AfterAttempt =
  | { readonly kind: 'remove' }
  /** Nothing counts: the line was down, or we were told to stop. */
  | { readonly kind: 'keep' }
  | { readonly kind: 'retry'; readonly attempts: number; readonly dueMs: number; readonly reason: string }
  | { readonly kind: 'quarantine'; readonly attempts: number; readonly reason: string };

export interface Attempt {
  /** Failed attempts before this one. */
  readonly attempts: number;
  /** Null when `deliver` resolved. */
  readonly failure: string | null;
  /** Whether the line was up, and nobody had asked us to stop, when the attempt ended. */
  readonly counts: boolean;
  readonly nowMs: number;
  readonly random: number;
}

/** What becomes of a record after one attempt. */
export function afterAttempt(attempt: Attempt, limits: BackoffLimits): AfterAttempt {
  if (attempt.failure === null) return { kind: 'remove' };
  if (!attempt.counts) return { kind: 'keep' };
  const attempts = attempt.attempts + 1;
  const reason = attempt.failure;
  if (attempts >= limits.attemptsMax) return { kind: 'quarantine', attempts, reason };
  return { kind: 'retry', attempts, dueMs: attempt.nowMs + backoffMs(attempts, attempt.random, limits), reason };
}

/** How long an idle drainer sleeps: until the next record is due, at most one poll interval. */
export function idleMs(nowMs: number, nextDueMs: number | null, pollMs: number): number {
  if (nextDueMs === null) return pollMs;
  return Math.min(Math.max(1, nextDueMs - nowMs), pollMs);
}
