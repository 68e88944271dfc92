import { expect, it } from 'vitest';
import { openEnum } from './open-enum.ts';

it.each([
  ['red', 'red'],
  ['unknown', 'unknown'],
  ['ultraviolet', 'unknown'],
  ['', 'unknown'],
  ['toString', 'unknown'],
])('openEnum() reads %j as %j', (text, value) => {
  expect(openEnum(['red', 'blue']).parse(text)).toBe(value);
});

it('openEnum() refuses what is not a text', () => {
  expect(openEnum(['red']).safeParse(1).success).toBe(false);
});
