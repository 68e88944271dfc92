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
