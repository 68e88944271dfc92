/** Whose word a release is: every envelope that somebody without the key could make is refused. */
import { sign } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { releaseSignedMaterial, writeReleaseKeys } from '@kanade/shared/release';
import { tempDir } from '@kanade/testkit';
import { createReleaseKey, loadReleaseKeys, openReleaseKey, signRelease, verifyRelease } from '@kanade/update';
import { describe, expect, it } from 'vitest';
import { manifestOf, newKey } from './signed-release.ts';

const [one, other, stranger] = [newKey('one'), newKey('other'), newKey('one')];
const keys = [one.trusted, other.trusted];

interface Envelope {
  payloadType: string;
  payload: string;
  signatures: { keyid: string; sig: string }[];
}

const envelope = (): Envelope => JSON.parse(signRelease(manifestOf(), [one]));
const changed = (change: (envelope: Envelope) => unknown): string => {
  const made = envelope();
  return JSON.stringify(change(made) ?? made);
};
const refusalOf = (text: string | Uint8Array, revokedKeys: string[] = []): string => {
  try {
    verifyRelease(text, { keys, revokedKeys });
    return 'taken';
  } catch (error) {
    return (error as { code: string }).code;
  }
};
/** A signature over whatever bytes are given. */
const signedBytes = (payload: Uint8Array): string =>
  JSON.stringify({
    payloadType: 'application/vnd.kanade.release.v1+json',
    payload: Buffer.from(payload).toString('base64'),
    signatures: [{ keyid: 'one', sig: sign(null, releaseSignedMaterial(payload), one.privateKey).toString('base64') }],
  });

describe('verifyRelease()', () => {
  it('takes what a trusted key has signed, as text or bytes, and says whose word it is', () => {
    const text = signRelease(manifestOf(), [one, other]);
    expect(verifyRelease(text, { keys })).toEqual({ manifest: manifestOf(), keyids: ['one', 'other'] });
    expect(verifyRelease(new TextEncoder().encode(text), { keys: [other.trusted] }).keyids).toEqual(['other']);
  });

  it('keeps what it does not know', () => {
    const manifest = { ...manifestOf(), channel: 'beta' };
    expect(verifyRelease(signRelease(manifest, [one]), { keys }).manifest).toEqual(manifest);
  });

  it.each<[string, string, string]>([
    [
      'a hash exchanged',
      changed((made) => {
        made.payload = Buffer.from(Buffer.from(made.payload, 'base64').toString().replace('abab', 'cdcd')).toString(
          'base64',
        );
      }),
      'release_unsigned',
    ],
    ['a key of the same name', signRelease(manifestOf(), [stranger]), 'release_unsigned'],
    ['an unknown key', signRelease(manifestOf(), [newKey('nobody')]), 'release_unsigned'],
    [
      'the signature of another key',
      changed(({ signatures: [signature] }) => {
        if (signature) signature.keyid = 'other';
      }),
      'release_unsigned',
    ],
    ['no signature', changed((made) => ({ ...made, signatures: [] })), 'release_unsigned'],
    [
      'a cut signature',
      changed(({ signatures: [signature] }) => {
        if (signature) signature.sig = Buffer.from(signature.sig, 'base64').subarray(0, 63).toString('base64');
      }),
      'release_unsigned',
    ],
    [
      'a signature over the payload alone, without its type',
      changed((made) => {
        made.signatures = [
          { keyid: 'one', sig: sign(null, Buffer.from(made.payload, 'base64'), one.privateKey).toString('base64') },
        ];
      }),
      'release_unsigned',
    ],
    ['another type', changed((made) => ({ ...made, payloadType: 'application/json' })), 'release_invalid'],
    [
      'a thousand signatures',
      changed((made) => ({ ...made, signatures: Array(1_000).fill(made.signatures[0]) })),
      'release_invalid',
    ],
    ['base64 in another spelling', changed((made) => ({ ...made, payload: `${made.payload}\n` })), 'release_invalid'],
    ['no envelope', JSON.stringify(manifestOf()), 'release_invalid'],
    ['nothing', '', 'release_invalid'],
    ['half of it', signRelease(manifestOf(), [one]).slice(0, 300), 'release_invalid'],
    ['a megabyte of blanks', ' '.repeat(1024 * 1024 + 1), 'release_invalid'],
    ['signed nonsense', signedBytes(new TextEncoder().encode('{}')), 'release_invalid'],
    [
      'a signed manifest of a later kind',
      signedBytes(new TextEncoder().encode(JSON.stringify({ ...manifestOf(), kind: 'kanade.release.v2' }))),
      'release_invalid',
    ],
  ])('refuses %s', (_, text, code) => expect(refusalOf(text)).toBe(code));

  it('believes no revoked key, whoever has revoked it', () => {
    expect(refusalOf(signRelease(manifestOf(), [one]), ['one'])).toBe('release_revoked');
    // Its own release cannot be what a revoked key makes of it: the other key has to be there.
    const revoking = manifestOf({ revoked_keys: ['other'] });
    expect(verifyRelease(signRelease(revoking, [one]), { keys }).keyids).toEqual(['one']);
    const payload = new TextEncoder().encode(JSON.stringify(manifestOf({ revoked_keys: ['one'] })));
    expect(refusalOf(signedBytes(payload))).toBe('release_revoked');
  });
});

describe('signRelease()', () => {
  it.each<[string, () => string, string]>([
    [
      'a path in a name',
      () =>
        signRelease(
          manifestOf({ files: [{ name: '../kanade', kind: 'executable', bytes: 1, sha256: 'ab'.repeat(32) }] }),
          [one],
        ),
      'files.0.name must be the name of a file',
    ],
    [
      'one name twice',
      () => signRelease(manifestOf({ files: [...manifestOf().files, ...manifestOf().files] }), [one]),
      'files.1.name is there twice: kanade',
    ],
    [
      'an end before its beginning',
      () => signRelease(manifestOf({ expires_at: '2026-10-01T00:00:00Z' }), [one]),
      'expires_at must be after released_at',
    ],
    ['a version that is none', () => signRelease(manifestOf({ version: '1.2' }), [one]), 'version must be a version'],
    ['no key', () => signRelease(manifestOf(), []), 'no key was given'],
    ['a key that it revokes', () => signRelease(manifestOf({ revoked_keys: ['one'] }), [one]), 'it revokes one itself'],
  ])('signs nothing with %s', (_, make, words) => expect(make).toThrow(words));
});

describe('files of keys', () => {
  it('are made for their owner alone, once, and open to what was made', async () => {
    await using dir = await tempDir();
    const before = process.umask(0);
    try {
      const made = createReleaseKey({ dir: join(dir.path, 'keys'), keyid: 'release-2026' });
      expect(made.trusted.keyid).toBe('release-2026');
      const key = openReleaseKey(made.path);
      expect(key.trusted.public_key).toBe(made.trusted.public_key);
      expect(verifyRelease(signRelease(manifestOf(), [key]), { keys: [made.trusted] }).keyids).toEqual([
        'release-2026',
      ]);
      expect(() => createReleaseKey({ dir: join(dir.path, 'keys'), keyid: 'release-2026' })).toThrow('already');
      expect(readFileSync(made.path, 'utf8')).toContain('PRIVATE KEY');
    } finally {
      process.umask(before);
    }
  });

  it('are not used when others can read or change them', async () => {
    await using dir = await tempDir();
    const { path } = createReleaseKey({ dir: join(dir.path, 'keys'), keyid: 'a' });
    symlinkSync(path, join(dir.path, 'b.pem'));
    expect(() => openReleaseKey(join(dir.path, 'b.pem'))).toThrow(expect.objectContaining({ code: 'key_unsafe' }));
    chmodSync(path, 0o640);
    expect(() => openReleaseKey(path)).toThrow(expect.objectContaining({ code: 'key_unsafe' }));
    mkdirSync(join(dir.path, 'open'));
    chmodSync(join(dir.path, 'open'), 0o777);
    expect(() => createReleaseKey({ dir: join(dir.path, 'open'), keyid: 'a' })).toThrow(
      expect.objectContaining({ code: 'key_unsafe' }),
    );
    expect(() => openReleaseKey(join(dir.path, 'none.pem'))).toThrow(expect.objectContaining({ code: 'keys_missing' }));
  });

  it('of those who are believed are read as they were written, or nobody is believed', async () => {
    await using dir = await tempDir();
    const path = join(dir.path, 'release-keys.json');
    const code = (text: string, mode = 0o644) => {
      writeFileSync(path, text);
      chmodSync(path, mode);
      try {
        return loadReleaseKeys(path);
      } catch (error) {
        return (error as { code: string }).code;
      }
    };
    expect(() => loadReleaseKeys(path)).toThrow(expect.objectContaining({ code: 'keys_missing' }));
    const text = writeReleaseKeys(keys);
    expect(code(text)).toEqual(keys);
    expect(code(text, 0o666)).toBe('keys_invalid');
    expect(code('')).toBe('keys_invalid');
    expect(code(text.slice(0, -9))).toBe('keys_invalid');
    expect(code(writeReleaseKeys([one.trusted, stranger.trusted]))).toBe('keys_invalid');
    expect(code(text.replace('release-keys', 'keyring'))).toBe('keys_invalid');
    expect(code(writeReleaseKeys([]))).toBe('keys_invalid');
    expect(code(writeReleaseKeys([{ keyid: 'zero', public_key: Buffer.alloc(32).toString('base64') }]))).toBe(
      'keys_invalid',
    );
  });
});
