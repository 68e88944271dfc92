import type { UserInvokableJob } from '@kanade/shared/local';
import { describe, expect, it } from 'vitest';
import { foldText, searchJobs } from './search.ts';

function job(id: string, display_name: string, rest: Partial<UserInvokableJob> = {}): UserInvokableJob {
  return { id, display_name, category: 'catalog', version: '1', ...rest };
}

const jobs = [
  job('disk-report', 'Disk report', { display_description: 'How full each file system is' }),
  job('network-check', 'Network check', { display_description: 'Addresses, gateway and names' }),
  job('printer', 'プリンター設定', { display_description: '複合機を追加します' }),
  job('vpn', 'VPN 接続の修復', { category_label: 'ネットワーク' }),
  job('cafe', 'Café menu'),
];

describe('searchJobs()', () => {
  it.each([
    ['disk', ['disk-report']],
    ['DISK', ['disk-report']],
    ['ｄｉｓｋ', ['disk-report']],
    ['report disk', ['disk-report']],
    ['dsik', ['disk-report']],
    ['dik', []],
    ['netwrok', ['network-check']],
    ['netwok', ['network-check']],
    ['networkk', ['network-check']],
    ['gateway', ['network-check']],
    ['disk-rep', ['disk-report']],
    ['ぷりんた', ['printer']],
    ['プリンタ', ['printer']],
    ['ﾌﾟﾘﾝﾀ', ['printer']],
    ['複合機', ['printer']],
    ['ねっとわーく', ['vpn']],
    ['cafe', ['cafe']],
    ['disk network', []],
    ['zzzz', []],
    ['  ', []],
  ])('%s finds %j', (query, ids) => {
    expect(searchJobs(jobs, query).map(({ id }) => id)).toEqual(ids);
  });

  it('puts names before descriptions, and beginnings before middles', () => {
    const ranked = [
      job('c', 'Clean up', { display_description: 'Frees disk space' }),
      job('b', 'Report of the disk'),
      job('a', 'Disk report'),
    ];
    expect(searchJobs(ranked, 'disk').map(({ id }) => id)).toEqual(['a', 'b', 'c']);
  });
});

it('foldText() keeps the marks that make other letters', () => {
  expect(foldText('ガ')).toBe('が');
  expect(foldText('É')).toBe('e');
});
