import { expect, it } from 'vitest';
import { ByteSize, parseByteSize } from './byte-size.ts';

it.each([
  ['0', 0],
  ['512', 512],
  ['500KB', 500_000],
  ['50MB', 50_000_000],
  ['50 MiB', 52_428_800],
  ['1.5g', 1_500_000_000],
  ['2GiB', 2_147_483_648],
  ['MB', undefined],
  ['-1MB', undefined],
  ['5 parsecs', undefined],
  ['', undefined],
])('parseByteSize(%j) is %j', (text, bytes) => {
  expect(parseByteSize(text)).toBe(bytes);
});

it('ByteSize refuses a size of nothing', () => {
  expect(ByteSize.safeParse('0MB').success).toBe(false);
});
