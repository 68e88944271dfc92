import { expect, it } from 'vitest';
import { parseHumantime } from './duration.ts';

it.each([
  ['30s', 30_000],
  ['10m', 600_000],
  ['1h 30m', 5_400_000],
  ['1h30m', 5_400_000],
  ['2 days', 172_800_000],
  ['500ms', 500],
  ['0', 0],
  ['0s', 0],
  ['', undefined],
  ['ten', undefined],
  ['10', undefined],
  ['-5s', undefined],
  ['5 parsecs', undefined],
  ['99999999999999s', undefined],
])('parseHumantime(%j) is %j', (text, ms) => {
  expect(parseHumantime(text)).toBe(ms);
});
