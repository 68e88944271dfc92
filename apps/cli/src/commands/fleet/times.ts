/** Moments as they stand in a call: RFC 3339, or how long ago. */
import { parseHumantime } from '@kanade/shared/fleet-words';
import { UsageError } from '../../call/command.ts';

const rfc3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:\d\d)$/;

/** RFC 3339 with its own offset as RFC 3339 in UTC. Throws {@link UsageError}. */
export function momentOption(name: string, text: string): string {
  const ms = rfc3339.test(text) ? Date.parse(text.replace(' ', 'T')) : Number.NaN;
  if (Number.isFinite(ms)) return new Date(ms).toISOString();
  throw new UsageError(`option --${name} must be a time such as 2026-11-21T08:00:00Z: ${cut(text)}`);
}

/** A moment in ms: RFC 3339, or a duration such as `2h`, which is so long ago. Throws {@link UsageError}. */
export function pastOption(name: string, text: string | undefined, nowMs: number): number | undefined {
  if (text === undefined) return undefined;
  const agoMs = parseHumantime(text);
  if (agoMs !== undefined && agoMs <= nowMs) return nowMs - agoMs;
  if (rfc3339.test(text)) return Date.parse(momentOption(name, text));
  throw new UsageError(
    `option --${name} must be a time such as 2026-11-21T08:00:00Z, or how long ago, such as 2h: ${cut(text)}`,
  );
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
