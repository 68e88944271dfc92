/* How often a peer may ask: a bucket per connection, and one per user that all of the user's connections share. */
import { type UserLimits, userLimits } from '../limits.ts';

export interface RateLimit {
  readonly perMinute: number;
  /** Takes one token at this instant of a monotonic clock; false when there is none. */
  take(nowMs: number): boolean;
}

/** A token bucket that starts full, holds `perMinute` tokens and refills evenly. Infinity never refuses. */
export function createRateLimit(perMinute: number, startMs: number): RateLimit {
  if (!(perMinute > 0)) throw new RangeError(`create a rate limit: requests per minute must be above 0: ${perMinute}`);
  if (perMinute === Number.POSITIVE_INFINITY) return { perMinute, take: () => true };
  let tokens = perMinute;
  let atMs = startMs;
  return {
    perMinute,
    take: (nowMs) => {
      tokens = Math.min(perMinute, tokens + ((nowMs - atMs) * perMinute) / 60_000);
      atMs = nowMs;
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
  };
}

export interface UserRates {
  /** The bucket that all connections of this user share. */
  of(userKey: string): RateLimit;
}

interface Bucket {
  rate: RateLimit;
  usedAtMs: number;
}

/** How long a bucket takes to be full again, however empty it was. */
const fullAgainMs = 60_000;

/** Users whose buckets are kept before full ones are looked for. */
const usersKept = 1_024;

/** One bucket of requests per OS user, which reconnecting does not refill. A bucket that must be full again is forgotten. */
export function createUserRates(options: Partial<UserLimits> = {}): UserRates {
  const { requestsPerUserPerMinute } = { ...userLimits, ...options };
  const buckets = new Map<string, Bucket>();

  function open(userKey: string, nowMs: number): Bucket {
    if (buckets.size >= usersKept) {
      for (const [key, { usedAtMs }] of buckets) if (nowMs - usedAtMs > fullAgainMs) buckets.delete(key);
    }
    const bucket = { rate: createRateLimit(requestsPerUserPerMinute, nowMs), usedAtMs: nowMs };
    buckets.set(userKey, bucket);
    return bucket;
  }

  function take(userKey: string, nowMs: number): boolean {
    const bucket = buckets.get(userKey) ?? open(userKey, nowMs);
    bucket.usedAtMs = nowMs;
    return bucket.rate.take(nowMs);
  }

  // Checked here, so that a wrong number is not found out by the first request.
  createRateLimit(requestsPerUserPerMinute, 0);
  return {
    of: (userKey) => ({ perMinute: requestsPerUserPerMinute, take: (nowMs) => take(userKey, nowMs) }),
  };
}
