import { expect, it } from 'vitest';
import { faultsOf, wordsOf } from '../words-in-use.mjs';

it.each([
  ["import { a, type B, c as d } from '@kanade/shared/fleet';", ['a', 'c']],
  ["import type { A } from '@kanade/shared/fleet';", []],
  ["import * as job from '@kanade/shared/job';\njob.one(job.two);", ['one', 'two']],
  ["import { a } from 'elsewhere';", []],
  ["export { a } from '@kanade/shared/fleet';", []],
])('wordsOf(%j) is %j', (text, words) => {
  expect(wordsOf(text, '@kanade/shared/')).toEqual(words);
});

it('faultsOf() names words without a user, and marks that are not true', () => {
  const exported = new Set(['used', 'dead', 'later', 'arrived']);
  const needed = new Set(['used', 'arrived']);
  expect(faultsOf({ exported, needed, waiting: { signatures: ['later'] } })).toEqual([
    'dead: nobody uses it: remove it, or say in tools/words-waiting.json what it waits for',
  ]);
  expect(faultsOf({ exported, needed, waiting: { signatures: ['arrived', 'dead', 'gone', 'later'] } })).toEqual([
    'arrived: does not wait for signatures: it is used',
    'gone: does not wait for signatures: it is gone',
  ]);
});
