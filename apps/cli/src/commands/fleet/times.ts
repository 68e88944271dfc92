/** Moments as they stand in a call: RFC 3339, and how long something is. */
import { parseHumantime } from '@kanade/shared/fleet-words';
import { UsageError } from '../../call/command.ts';

const rfc3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:\d\d)$/;

/** RFC 3339 with its own offset as RFC 3339 in UTC. Throws {@link UsageError}. */
export function momentOption(name: string, text: string): string {
  const ms = rfc3339.test(text) ? Date.parse(text.replace(' ', 'T')) : Number.NaN;
  if (Number.isFinite(ms)) return new Date(ms).toISOString();
  throw new UsageError(`option --${name} must be a time such as 2026-11-21T08:00:00Z: ${cut(text)}`);
}

/** A duration such as `1h 30m`, in ms. Throws {@link UsageError}. */
export function durationOption(name: string, text: string): number {
  const ms = parseHumantime(text);
  if (ms !== undefined && ms > 0 && ms <= durationMsMax) return ms;
  throw new UsageError(`option --${name} must be a duration such as 30s, 10m or 1h 30m: ${cut(text)}`);
}

/** Ten years. */
const durationMsMax = 3_652 * 86_400_000;

const cut = (text: string): string => JSON.stringify(text.slice(0, 60));
