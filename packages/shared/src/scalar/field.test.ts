import { expect, it } from 'vitest';
import * as z from 'zod';
import { nullAsAbsent, openEnum, optional } from './field.ts';
import { createReader, readAs, strictAs } from './strict.ts';

const Document = z.looseObject({
  a: optional(z.string()),
  deep: optional(z.looseObject({ b: optional(z.array(optional(z.int()))) })),
  id: nullAsAbsent(z.string().default('none')),
});

it.each([
  [{}, { id: 'none' }],
  [{ a: null, deep: null, id: null }, { id: 'none' }],
  [
    { a: '', deep: { b: null, c: null } },
    { a: '', deep: { c: null }, id: 'none' },
  ],
])('optional() reads %j as %j', (input, value) => {
  for (const read of [readAs(Document, input), createReader(Document)(input)]) {
    expect(read.ok && JSON.parse(JSON.stringify(read.value))).toEqual(value);
  }
});

it('optional() leaves absent keys absent, and says what is wrong with others', () => {
  const read = readAs(Document, { deep: { b: 'x' } });
  expect(read).toEqual({ ok: false, faults: [{ path: 'deep.b', message: 'must be a list: "x"' }] });
  expect(Object.keys(Document.parse({}))).toEqual(['id']);
});

it('unknown keys below an optional field are found', () => {
  expect(strictAs(Document, { deep: { no: 1 } })).toEqual({
    ok: false,
    faults: [{ path: 'deep.no', message: 'unknown key' }],
  });
});

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
