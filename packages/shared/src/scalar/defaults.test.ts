import { expect, it } from 'vitest';
import { omitDefaults, withDefaults } from './defaults.ts';

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
