import { expect, it } from 'vitest';
import { checkAddress } from './address.ts';

it.each([
  ['linux', 107],
  ['darwin', 103],
] as const)('checkAddress on %s allows %i bytes and not one more', (platform, bytes) => {
  const path = `/${'é'.repeat(10)}${'a'.repeat(bytes - 21)}`;
  checkAddress(path, platform);
  expect(() => checkAddress(`${path}a`, platform)).toThrow(expect.objectContaining({ code: 'address_too_long' }));
});

it('checkAddress refuses an empty path', () => {
  expect(() => checkAddress('', 'linux')).toThrow(/allowed 1 to 107/);
});
