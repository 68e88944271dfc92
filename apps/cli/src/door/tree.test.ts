import { describe, expect, it } from 'vitest';
import { asTrees, type TreeEntry } from './tree.ts';

const entry = (job_id: string, ...after: string[]): TreeEntry => ({
  job_id,
  ...(after.length > 0 ? { after: after.map((id) => ({ job_id: id })) } : {}),
});

/** `a(b c)` is a with b and c below it. */
const drawn = (entries: readonly TreeEntry[]): string =>
  entries.map(({ job_id, dependents }) => `${job_id}${dependents ? `(${drawn(dependents)})` : ''}`).join(' ');

describe('asTrees()', () => {
  it.each<[string, readonly TreeEntry[], string]>([
    ['nobody waits', [entry('a'), entry('b')], 'a b'],
    ['a chain', [entry('c', 'b'), entry('b', 'a'), entry('a')], 'a(b(c))'],
    ['several wait for one', [entry('a'), entry('b', 'a'), entry('c', 'a')], 'a(b c)'],
    ['one waits for several: below the first', [entry('a'), entry('b'), entry('c', 'b', 'a')], 'a b(c)'],
    ['what it waits for is not in the list', [entry('b', 'a')], 'b'],
    ['one of both is', [entry('c', 'x', 'a'), entry('a')], 'a(c)'],
    ['a circle', [entry('a', 'b'), entry('b', 'a')], 'b(a)'],
    ['itself', [entry('a', 'a')], 'a'],
  ])('%s', (_, entries, tree) => {
    expect(drawn(asTrees(entries))).toBe(tree);
  });
});
