/** Wall-clock texts of schedules: pure readers, each undefined for a text that is not one. */

export interface TimeOfDay {
  readonly hour: number;
  readonly minute: number;
}

/** `HH:MM`, 00:00 to 23:59. */
export function parseTimeOfDay(text: string): TimeOfDay | undefined {
  const match = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(text);
  return match ? { hour: Number(match[1]), minute: Number(match[2]) } : undefined;
}

export interface CalendarDate {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

/** `YYYY-MM-DD` (or with slashes) of a day that exists. */
export function parseDate(text: string): CalendarDate | undefined {
  const match = /^(\d{4})([-/])(\d{2})\2(\d{2})$/.exec(text);
  if (!match) return undefined;
  const [year, month, day] = [Number(match[1]), Number(match[3]), Number(match[4])];
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day ? { year, month, day } : undefined;
}

/** When a calendar schedule fires: every day (or the given days) at a time, or once. */
export type At = (TimeOfDay & { readonly kind: 'repeating' }) | (TimeOfDay & CalendarDate & { readonly kind: 'once' });

/** `HH:MM`, or once: `YYYY-MM-DD HH:MM`, with hyphens, slashes or an ISO `T`. */
export function parseAt(text: string): At | undefined {
  const time = parseTimeOfDay(text);
  if (time) return { kind: 'repeating', ...time };
  const [, dateText = '', timeText = ''] = /^(\S{10})[ T](\S{5})$/.exec(text) ?? [];
  const [date, at] = [parseDate(dateText), parseTimeOfDay(timeText)];
  return date && at ? { kind: 'once', ...date, ...at } : undefined;
}

const dayNames = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

/** Days of the week, 0 = Sunday; `ordinal` = only the nth of a month, `last` = only the last. */
export interface DayRule {
  readonly days: readonly number[];
  readonly ordinal?: number;
  readonly last?: true;
}

/** `mon`, `mon-fri` (also across Sunday), `tue#2` = second Tuesday, `friL` = last Friday. Case does not matter. */
export function parseDays(text: string): DayRule | undefined {
  const match = /^([a-z]{3})(?:-([a-z]{3})|#([1-5])|(l))?$/i.exec(text);
  const from = dayNames.indexOf(match?.[1]?.toLowerCase() ?? '');
  if (!match || from < 0) return undefined;
  if (match[3]) return { days: [from], ordinal: Number(match[3]) };
  if (match[4]) return { days: [from], last: true };
  if (!match[2]) return { days: [from] };
  const to = dayNames.indexOf(match[2].toLowerCase());
  if (to < 0) return undefined;
  return { days: Array.from({ length: ((to - from + 7) % 7) + 1 }, (_, step) => (from + step) % 7) };
}

/** Minutes of the day between which a schedule may fire: `from` included, `to` not; `from > to` crosses midnight. */
export interface DayWindow {
  readonly from: number;
  readonly to: number;
}

/** `HH:MM-HH:MM`; equal ends are no window. */
export function parseWindow(text: string): DayWindow | undefined {
  const [fromText = '', toText = '', ...rest] = text.split('-').map((part) => part.trim());
  const [from, to] = [parseTimeOfDay(fromText), parseTimeOfDay(toText)];
  if (!from || !to || rest.length > 0) return undefined;
  const window = { from: from.hour * 60 + from.minute, to: to.hour * 60 + to.minute };
  return window.from === window.to ? undefined : window;
}

/** Whether a minute of the day lies in the window. */
export function isInWindow({ from, to }: DayWindow, minuteOfDay: number): boolean {
  return from < to ? minuteOfDay >= from && minuteOfDay < to : minuteOfDay >= from || minuteOfDay < to;
}

/** Whether a wall-clock date (`YYYY-MM-DD`) is skipped. A stored date that is none skips every day: fail closed. */
export function isSkippedDate(skipDates: readonly string[], date: string): boolean {
  return skipDates.some((text) => text === date || !isPlainDate(text));
}

/** `YYYY-MM-DD` and nothing else. */
export const isPlainDate = (text: string): boolean => parseDate(text) !== undefined && !text.includes('/');
