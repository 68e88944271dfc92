import { expect, it } from 'vitest';
import * as z from 'zod';
import { JobProgress } from '../local/message.ts';
import { openEnum } from './field.ts';
import { createReader, faultsOf, readAs, strictAs, unknownKeys } from './strict.ts';

const Inner = z.looseObject({ a: z.string() });
const Document = z.looseObject({
  list: z.array(Inner).optional(),
  map: z.record(z.string(), Inner).optional(),
  either: z.union([z.boolean(), Inner, z.array(Inner)]).optional(),
  tagged: z
    .discriminatedUnion('k', [z.looseObject({ k: z.literal('x'), b: z.int() }), z.looseObject({ k: z.literal('y') })])
    .optional(),
  strict: z.strictObject({ a: z.string() }).nullish(),
  colour: openEnum(['red']).optional(),
  any: z.unknown().optional(),
});

it.each([
  ['nowhere', { any: { deep: 1 }, colour: 'blue', map: { x: { a: '1' } } }, []],
  ['in a list', { list: [{ a: '1' }, { a: '1', no: 1 }] }, ['list.1.no']],
  ['in a map', { map: { x: { a: '1', no: 1 } } }, ['map.x.no']],
  ['in a form of a union', { either: { a: '1', no: 1 } }, ['either.no']],
  ['in a list that is a form', { either: [{ a: '1', no: 1 }] }, ['either.0.no']],
  ['in the tagged form', { tagged: { k: 'y', b: 1 } }, ['tagged.b']],
  ['in a strict object', { strict: { a: '1', no: 1 } }, ['strict.no']],
  ['twice on two levels', { no: 1, list: [{ a: '1', no: 1 }] }, ['no', 'list.0.no']],
])('strictAs() finds unknown keys %s', (_name, value, paths) => {
  const read = strictAs(Document, value);
  expect(read.ok ? [] : read.faults).toEqual(
    expect.arrayContaining(paths.map((path) => ({ path, message: 'unknown key' }))),
  );
  expect(read.ok ? 0 : read.faults.length).toBe(paths.length);
});

it.each([
  ['missing', { list: [{}] }, 'list.0.a: is required'],
  ['wrong type', { list: 'x' }, 'list: must be a list: "x"'],
  ['inside of the form that is meant', { either: { a: 1 } }, 'either.a: must be a string: 1'],
  ['no form at all', { either: 5 }, 'either: has no accepted form: 5'],
  ['tag unknown', { tagged: { k: 'z' } }, 'tagged.k: must be one of x, y: "z"'],
  ['tag missing', { tagged: {} }, 'tagged.k: is required'],
  ['inside of the tagged form', { tagged: { k: 'x', b: 1.5 } }, 'tagged.b: must be a whole number: 1.5'],
  ['long value', { list: 'x'.repeat(100) }, `list: must be a list: "${'x'.repeat(59)}…`],
])('readAs() says what is wrong: %s', (_name, value, fault) => {
  const read = readAs(Document, value);
  expect(read.ok || read.faults.map(({ path, message }) => `${path}: ${message}`)).toEqual([fault]);
});

it('strictAs() asks for the rules even when a key is unknown', () => {
  const rule = () => [{ path: 'list', message: 'too short' }];
  expect(strictAs(Document, { no: 1 }, rule)).toMatchObject({ ok: false, faults: [{ path: 'no' }, { path: 'list' }] });
  expect(strictAs(Document, { list: 1 }, rule)).toMatchObject({ ok: false, faults: [{ path: 'list' }] });
});

it('faultsOf() keeps the words of zod for a parse that was not ours', () => {
  const { error } = Inner.safeParse({});
  expect(error && faultsOf(error)).toEqual([{ path: 'a', message: expect.stringContaining('expected string') }]);
});

it('unknownKeys() does not take inherited names for known ones', () => {
  expect(unknownKeys(Inner, { a: '1', toString: 1 })).toEqual([{ path: 'toString', message: 'unknown key' }]);
});

const readProgress = createReader(JobProgress);

it.each([
  [{ run_id: 'r', status: 'running', later: { a: [1] } }],
  [{ run_id: 'r', status: 'paused', exit_code: 0 }],
  [{ run_id: 7, status: 'running', started_at: 'noon' }],
  [{}],
  [null],
  ['text'],
])('createReader() reads %j as readAs() does', (value) => {
  expect(readProgress(value)).toEqual(readAs(JobProgress, value));
});
