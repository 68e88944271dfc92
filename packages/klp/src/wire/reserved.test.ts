import { expect, it } from 'vitest';
import { droppedCounts } from './reserved.ts';

it.each([
  ['counts', { counts: { a: 1, b: 2 } }, { a: 1, b: 2 }],
  ['only those that are whole and above 0', { counts: { a: 1, b: 0, c: -1, d: 1.5, e: '2', f: null } }, { a: 1 }],
  ['none that counts', { counts: { a: 0 } }, undefined],
  ['no object', { counts: [1] }, undefined],
  ['no counts', {}, undefined],
  ['no params', undefined, undefined],
])('droppedCounts() reads %s', (_name, params, counts) => {
  expect(droppedCounts(params)).toEqual(counts);
});
