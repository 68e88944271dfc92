import { expect, it } from 'vitest';
import { objectDigest, objectMetaSubject, sha256OfDigest, unpaddedMetaSubject } from './object-store.ts';

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

it('digests are padded; readers take them without, and nothing else', () => {
  const digest = objectDigest(new Uint8Array(32).fill(0xfb));
  const hex = 'fb'.repeat(32);
  expect(digest).toMatch(/^SHA-256=[A-Za-z0-9_-]{43}=$/);
  expect([sha256OfDigest(digest), sha256OfDigest(digest.slice(0, -1))]).toEqual([hex, hex]);
  for (const other of ['', 'SHA-256=', `MD5=${digest.slice(8)}`, `${digest}=`, objectDigest(new Uint8Array(31))]) {
    expect({ other, is: sha256OfDigest(other) }).toEqual({ other, is: undefined });
  }
});
