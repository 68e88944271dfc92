import { describe, expect, it } from 'vitest';
import { compareReleaseVersions, isReleaseVersion } from './version.ts';

describe('compareReleaseVersions()', () => {
  // The order of semver.org, section 11, and of numbers that are no texts.
  const inOrder = [
    '0.9.0',
    '0.10.0',
    '1.0.0-alpha',
    '1.0.0-alpha.1',
    '1.0.0-alpha.beta',
    '1.0.0-beta',
    '1.0.0-beta.2',
    '1.0.0-beta.11',
    '1.0.0-rc.1',
    '1.0.0',
    '1.0.1',
    '1.2.0',
    '1.10.0',
    '2.0.0',
  ];
  it.each(inOrder)('orders %s', (version) => {
    const at = inOrder.indexOf(version);
    const signs = inOrder.map((other) => Math.sign(compareReleaseVersions(other, version)));
    expect(signs).toEqual(inOrder.map((_, index) => Math.sign(index - at)));
  });

  it('has no order for what is no version', () => {
    expect(() => compareReleaseVersions('1.0', '1.0.0')).toThrow(RangeError);
  });
});

it.each([
  '',
  '1',
  '1.0',
  'v1.0.0',
  '1.0.0+build',
  '01.0.0',
  '1.0.0-',
  '1.0.0-a..b',
  ' 1.0.0',
  `1.0.0-${'a'.repeat(64)}`,
  '1.0.0/..',
])('%j is no version', (text) => expect(isReleaseVersion(text)).toBe(false));
