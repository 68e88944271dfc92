import { describe, expect, it } from 'vitest';
import { hashCode, isCodeOf } from './code-hash.ts';

/** Made by another implementation: "password" with the salt "somesalt", 256 KiB, two passes. */
const foreign = '$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4';

describe('isCodeOf()', () => {
  it('knows a code by its hash, also by one that others made', async () => {
    const hash = await hashCode('blue-horse-7');
    expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(await isCodeOf('blue-horse-7', hash)).toBe(true);
    expect(await isCodeOf('blue-horse-8', hash)).toBe(false);
    expect(await hashCode('blue-horse-7')).not.toBe(hash);
    expect(await isCodeOf('password', foreign)).toBe(true);
    expect(await isCodeOf('passwort', foreign)).toBe(false);
  });

  it.each([
    '',
    'blue-horse-7',
    foreign.replace('argon2id', 'argon2d'),
    foreign.replace('m=256', 'm=9999999'),
    foreign.replace('t=2', 't=999'),
    foreign.replace('p=1', 'p=0'),
    foreign.slice(0, -1),
  ])('knows nobody by %j', async (hash) => {
    expect(await isCodeOf('password', hash)).toBe(false);
  });
});
