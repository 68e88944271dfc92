/* Words under every entry that are no shapes: ids, durations, defaults. Free of the schema library and of imports. */

/** Longest id accepted anywhere, in characters: it becomes one subject token, one KV key and one file name (255 bytes). */
export const idLengthMax = 128;

const token = /^[A-Za-z0-9_.-]+$/;

/** True when the text may stand as one subject token, KV key or file name: `[A-Za-z0-9_.-]`, no `.` or `..`, no edge or double dots. */
export function isToken(text: string): boolean {
  return (
    text.length > 0 &&
    text.length <= idLengthMax &&
    token.test(text) &&
    !text.startsWith('.') &&
    !text.endsWith('.') &&
    !text.includes('..')
  );
}

const unitMs: Record<string, number> = {
  ms: 1,
  msec: 1,
  s: 1_000,
  sec: 1_000,
  secs: 1_000,
  second: 1_000,
  seconds: 1_000,
  m: 60_000,
  min: 60_000,
  mins: 60_000,
  minute: 60_000,
  minutes: 60_000,
  h: 3_600_000,
  hr: 3_600_000,
  hrs: 3_600_000,
  hour: 3_600_000,
  hours: 3_600_000,
  d: 86_400_000,
  day: 86_400_000,
  days: 86_400_000,
  w: 604_800_000,
  week: 604_800_000,
  weeks: 604_800_000,
};

/** Milliseconds of a humantime text such as `30s`, `10m` or `1h 30m`; undefined when it is not one. */
export function parseHumantime(text: string): number | undefined {
  const compact = text.trim();
  if (compact === '0') return 0;
  let totalMs = 0;
  let rest = compact;
  if (rest === '') return undefined;
  while (rest !== '') {
    const match = /^(\d{1,12})\s*([a-z]+)\s*/.exec(rest);
    const factor = match?.[2] === undefined ? undefined : unitMs[match[2]];
    if (!match || factor === undefined) return undefined;
    totalMs += Number(match[1]) * factor;
    rest = rest.slice(match[0].length);
  }
  return Number.isSafeInteger(totalMs) ? totalMs : undefined;
}

/**
 * Defaults on read, omitted on write (fleet reference, section 3.0). Schemas leave absent fields absent, so that what was
 * read is written back as it was; a reader that wants values asks `withDefaults`, a writer passes `omitDefaults` before
 * it serialises, because older readers may not know the field.
 */

/** A type whose defaulted fields are surely there. */
export type Filled<T, D> = Omit<T, keyof D> & { [K in keyof D & keyof T]-?: Exclude<T[K], undefined> };

/** The value with every absent field at its default. */
export function withDefaults<T extends object, D extends Partial<T>>(value: T, defaults: D): Filled<T, D> {
  return { ...defaults, ...defined(value) } as unknown as Filled<T, D>;
}

/** The value without the fields that are at their default. */
export function omitDefaults<T extends object>(value: T, defaults: Partial<T>): T {
  const kept = Object.entries(defined(value)).filter(([key, field]) => {
    const standard = (defaults as Record<string, unknown>)[key];
    return standard === undefined || JSON.stringify(standard) !== JSON.stringify(field);
  });
  return Object.fromEntries(kept) as T;
}

function defined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as T;
}
