import { UserInvokableJob } from '@kanade/shared/local';
import type { Manifest } from '@kanade/shared/manifest';
import { describe, expect, it } from 'vitest';
import { offerOf } from './jobs.ts';

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

  it.each([
    ['300ms', 1],
    ['1500ms', 1],
    ['2s', 2],
  ])('a timeout of %s is listed in whole seconds, rounded down and at least 1', (timeout, seconds) => {
    const listed = offerOf({ ...manifest(base), execute: { ...execute, timeout } }, undefined);
    expect(listed?.timeout_secs).toBe(seconds);
  });
});
