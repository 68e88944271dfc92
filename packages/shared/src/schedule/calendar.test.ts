import { expect, it } from 'vitest';
import { isInWindow, isSkippedDate, parseAt, parseDate, parseDays, parseWindow } from './calendar.ts';

it.each([
  ['09:05', { kind: 'repeating', hour: 9, minute: 5 }],
  ['2026-12-24 18:00', { kind: 'once', year: 2026, month: 12, day: 24, hour: 18, minute: 0 }],
  ['2026/12/24 18:00', { kind: 'once', year: 2026, month: 12, day: 24, hour: 18, minute: 0 }],
  ['2028-02-29T00:00', { kind: 'once', year: 2028, month: 2, day: 29, hour: 0, minute: 0 }],
  ['24:00', undefined],
  ['9:05', undefined],
  ['2026-02-29 08:00', undefined],
  ['2026-12/24 18:00', undefined],
  ['2026-12-24', undefined],
  ['2026-12-24T18:00:00Z', undefined],
])('parseAt(%j)', (text, at) => {
  expect(parseAt(text)).toEqual(at);
});

it.each([
  ['mon', { days: [1] }],
  ['mon-fri', { days: [1, 2, 3, 4, 5] }],
  ['Sat-Mon', { days: [6, 0, 1] }],
  ['tue#2', { days: [2], ordinal: 2 }],
  ['friL', { days: [5], last: true }],
  ['tue#6', undefined],
  ['tue#0', undefined],
  ['monday', undefined],
  ['mon-xyz', undefined],
  ['', undefined],
])('parseDays(%j)', (text, rule) => {
  expect(parseDays(text)).toEqual(rule);
});

it.each([
  ['08:00-17:00', 480, true],
  ['08:00-17:00', 1020, false],
  ['22:00-05:00', 1320, true],
  ['22:00-05:00', 0, true],
  ['22:00-05:00', 300, false],
])('a window %s holds minute %i: %s', (text, minute, inside) => {
  expect(isInWindow(parseWindow(text) ?? { from: 0, to: 0 }, minute)).toBe(inside);
});

it.each(['08:00-08:00', '08:00', '08:00-25:00', '08:00-09:00-10:00', ''])('parseWindow(%j) is none', (text) => {
  expect(parseWindow(text)).toBeUndefined();
});

it('isSkippedDate() skips the listed days, and every day for a corrupt list', () => {
  expect(isSkippedDate(['2026-12-25'], '2026-12-25')).toBe(true);
  expect(isSkippedDate(['2026-12-25'], '2026-12-26')).toBe(false);
  expect(isSkippedDate(['2026-13-45'], '2026-12-26')).toBe(true);
  expect(parseDate('0000-00-00')).toBeUndefined();
});
