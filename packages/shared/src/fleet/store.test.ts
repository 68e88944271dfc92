import { expect, it } from 'vitest';
import {
  bucketHistory,
  collectionKey,
  configKey,
  manifestVersionOf,
  outputKey,
  parseConfigKey,
  readMarkKey,
  releaseKey,
  releaseManifestKey,
  versionedKey,
} from './store.ts';

it.each([
  ['global', { kind: 'global' }],
  ['groups.lab.2', { kind: 'group', group: 'lab.2' }],
  ['pcs.PC-0042', { kind: 'pc', pc: 'PC-0042' }],
  ['target_version', undefined],
  ['pcs.', undefined],
  ['users.x', undefined],
] as const)('parseConfigKey(%j), and back', (key, address) => {
  expect(parseConfigKey(key)).toEqual(address);
  if (address) expect(configKey(address)).toBe(key);
});

it('keys of objects and marks are spelled as on the wire', () => {
  expect(outputKey('r-1', 'stderr')).toBe('r-1/stderr');
  expect(versionedKey('disk-report', '1.0.0')).toBe('disk-report/1.0.0');
  expect(releaseKey('1.0.0', 'linux-x86_64')).toBe('1.0.0-linux-x86_64');
  expect(manifestVersionOf(releaseManifestKey('1.0.0'))).toBe('1.0.0');
  for (const key of ['1.0.0-linux-x86_64', '-manifest', '../x-manifest'])
    expect(manifestVersionOf(key)).toBeUndefined();
  expect(collectionKey('PC-0042', 'logs', '20261121T080000Z')).toBe('PC-0042/logs/20261121T080000Z.zip');
  expect(readMarkKey('PC-0042', 'S-1-5-21', 'n-1')).toBe('PC-0042.S-1-5-21.n-1');
  expect(() => outputKey('../x', 'stdout')).toThrow(RangeError);
});

it('bucketHistory() is 1 where only the newest value means anything', () => {
  expect(['jobs', 'fleet_config', 'notifications_read'].map(bucketHistory)).toEqual([5, 1, 1]);
});
