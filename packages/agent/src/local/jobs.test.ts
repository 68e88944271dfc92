import { UserInvokableJob } from '@kanade/shared/local';
import type { Manifest } from '@kanade/shared/manifest';
import { describe, expect, it } from 'vitest';
import { byName, offerOf } from './jobs.ts';

const execute = { shell: 'sh', timeout: '90s', script: 'true' } as const;
const manifest = (client: Manifest['client']): Manifest => ({ id: 'job', version: '1', execute, client });
const base = { name: 'Name', category: 'c' };

describe('offerOf()', () => {
  it('leaves off what is not there', () => {
    const offer = offerOf(manifest(base), undefined);
    expect(offer).toEqual({ id: 'job', display_name: 'Name', category: 'c', version: '1', timeout_secs: 90 });
    expect(UserInvokableJob.safeParse(offer).success).toBe(true);
  });

  it.each([
    [true, { enabled: true }],
    [false, { enabled: false }],
    [{ message: 'Sure?' }, { enabled: true, message: 'Sure?' }],
    [{ enabled: false }, { enabled: false }],
  ])('states the confirmation %j in full', (confirm, expected) => {
    expect(offerOf(manifest({ ...base, confirm }), undefined)?.confirm).toEqual(expected);
  });

  it('sorts by name, then by id', () => {
    const job = (id: string, display_name: string): UserInvokableJob => ({
      id,
      display_name,
      category: 'c',
      version: '1',
    });
    const sorted = [job('b', 'B'), job('z', 'A'), job('a', 'A')].sort(byName);
    expect(sorted.map(({ id }) => id)).toEqual(['a', 'z', 'b']);
  });
});
