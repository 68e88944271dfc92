import { expect, it } from 'vitest';
import { isSameDigest, objectDigest, objectMetaSubject, unpaddedMetaSubject } from './object-store.ts';

/** Subjects as the official client of version 3.4.0 makes them. */
it.each([
  ['a', 'YQ==', 'YQ'],
  ['ab', 'YWI=', 'YWI'],
  ['abc', 'YWJj', 'YWJj'],
  ['r-1/stdout', 'ci0xL3N0ZG91dA==', 'ci0xL3N0ZG91dA'],
  ['>>>???', 'Pj4-Pz8_', 'Pj4-Pz8_'],
  ['ñ', 'w7E=', 'w7E'],
])('objectMetaSubject() names %s %s, an agent up to 0.1.0 %s', (name, key, unpadded) => {
  expect(objectMetaSubject('s', name)).toBe(`$O.s.M.${key}`);
  expect(unpaddedMetaSubject('s', name)).toBe(`$O.s.M.${unpadded}`);
});

it('digests are padded; readers take them without', () => {
  const digest = objectDigest(new Uint8Array(32));
  expect(digest).toBe(`SHA-256=${'A'.repeat(43)}=`);
  expect([isSameDigest(digest, digest.slice(0, -1)), isSameDigest(digest, objectDigest(new Uint8Array(31)))]).toEqual([
    true,
    false,
  ]);
});
