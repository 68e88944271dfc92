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
