import type { UserInvokableJob } from '@kanade/shared/local';
import { describe, expect, it } from 'vitest';
import { groupByCategory } from './categories.ts';

function job(id: string, category: string, rest: Partial<UserInvokableJob> = {}): UserInvokableJob {
  return { id, display_name: id, category, version: '1', ...rest };
}

describe('groupByCategory()', () => {
  it('has no category without jobs', () => {
    expect(groupByCategory([])).toEqual([]);
  });

  it('takes label, icon and order of the built-in categories', () => {
    const jobs = [job('a', 'catalog'), job('b', 'troubleshoot'), job('c', 'software_update')];
    expect(groupByCategory(jobs).map(({ key, label, icon, order }) => [key, label, icon, order])).toEqual([
      ['software_update', { builtIn: 'categoryUpdates' }, 'download', 10],
      ['troubleshoot', { builtIn: 'categoryTroubleshoot' }, 'wrench', 20],
      ['catalog', { builtIn: 'categoryCatalog' }, 'package', 30],
    ]);
  });

  it('prefers the first value of an operator that is not empty, each on its own', () => {
    const jobs = [
      job('a', 'troubleshoot', { category_label: '  ' }),
      job('b', 'troubleshoot', { category_label: 'Help', category_order: 5 }),
      job('c', 'troubleshoot', { category_label: 'Other', category_icon: 'cpu', category_order: 1 }),
    ];
    expect(groupByCategory(jobs)).toEqual([
      { key: 'troubleshoot', label: { text: 'Help' }, icon: 'cpu', order: 5, jobs },
    ]);
  });

  it.each(['printing', 'constructor', '__proto__'])('falls back to the key: %s', (key) => {
    const jobs = [job('a', key)];
    expect(groupByCategory(jobs)).toEqual([{ key, label: { text: key }, icon: 'box', order: 1000, jobs }]);
  });

  it('sorts by order, then by key', () => {
    const jobs = [job('a', 'zebra'), job('b', 'apple'), job('c', 'catalog')];
    expect(groupByCategory(jobs).map(({ key }) => key)).toEqual(['catalog', 'apple', 'zebra']);
  });
});
