import { expect, it } from 'vitest';
import { omitDefaults, parseHumantime, withDefaults } from './words.ts';

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

interface Options {
  name: string;
  deep?: { mode: string };
  on?: boolean;
  count?: number | null;
}
const defaults = { deep: { mode: 'cached' }, on: false } satisfies Partial<Options>;

it('withDefaults() fills what is absent or undefined, and nothing else', () => {
  const filled: { on: boolean } = withDefaults<Options, typeof defaults>({ name: 'x', on: undefined }, defaults);
  expect(filled).toEqual({ name: 'x', deep: { mode: 'cached' }, on: false });
  expect(withDefaults<Options, typeof defaults>({ name: 'x', on: true }, defaults).on).toBe(true);
});

it('omitDefaults() leaves off what is at its default; null is a value', () => {
  const options: Options = { name: 'x', deep: { mode: 'cached' }, on: false, count: null };
  expect(omitDefaults(options, defaults)).toEqual({ name: 'x', count: null });
  expect(omitDefaults({ ...options, deep: { mode: 'strict' } }, defaults)).toMatchObject({ deep: { mode: 'strict' } });
});
