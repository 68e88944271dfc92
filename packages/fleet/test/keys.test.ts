/** Keys on a real file system: who may have them, and what a ring says of them. */
import { execFileSync } from 'node:child_process';
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  linkSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { readSignatureHeaders, signedMaterial } from '@kanade/shared/fleet';
import { tempDir } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import {
  createKey,
  distrustKey,
  listKeys,
  openSigner,
  readRing,
  removeKey,
  setEnforcing,
  trustedKeyIn,
  trustKey,
} from '../src/keys.ts';

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);
const failure = (code: string, said = '') => expect.objectContaining({ code, message: expect.stringContaining(said) });

function thrownBy(attempt: () => unknown): unknown {
  try {
    return { returned: attempt() };
  } catch (error) {
    return error;
  }
}

describe('keys of an operator', () => {
  it('createKey() makes a private file, says only what is public, and signs what verifies', async () => {
    await using temp = await tempDir();
    const dir = join(temp.path, 'keys');
    const key = createKey({ dir, kid: 'ops', label: 'operators' });
    expect(key).toEqual({
      kid: 'ops',
      commandKey: expect.stringMatching(/^ops:[0-9a-f]{16}$/),
      trusted: { kid: 'ops', public_key: expect.stringMatching(/^[A-Za-z0-9+/]{43}=$/), label: 'operators' },
      path: join(dir, 'ops.pem'),
    });
    expect([modeOf(dir), modeOf(key.path)]).toEqual(['700', '600']);
    const pem = readFileSync(key.path, 'utf8');
    expect(JSON.stringify(key)).not.toContain(pem.split('\n')[1]);
    expect(trustedKeyIn(join(dir, 'ops.pub.json'))).toEqual(key.trusted);
    expect(listKeys(dir)).toEqual([key]);

    const body = new TextEncoder().encode('an order');
    const headers = openSigner(dir)?.sign(body, 1_795_248_000_000) ?? {};
    const read = readSignatureHeaders(headers);
    if (!read.ok) throw new Error(read.reason);
    expect(read.signature).toMatchObject({ kid: 'ops', atMs: 1_795_248_000_000 });
    const x = Buffer.from(key.trusted.public_key, 'base64').toString('base64url');
    const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
    expect(verify(null, signedMaterial(read.signature.atMs, body), publicKey, read.signature.bytes)).toBe(true);
  });

  it('createKey() is as private under a umask that forbids nothing, and under one that forbids all', async () => {
    await using temp = await tempDir();
    const before = process.umask(0);
    try {
      createKey({ dir: join(temp.path, 'open'), kid: 'a' });
      process.umask(0o777);
      expect(thrownBy(() => createKey({ dir: join(temp.path, 'open'), kid: 'b' }))).toHaveProperty('returned');
    } finally {
      process.umask(before);
    }
    expect([
      modeOf(join(temp.path, 'open')),
      ...['a', 'b'].map((kid) => modeOf(join(temp.path, 'open', `${kid}.pem`))),
    ]).toEqual(['700', '600', '600']);
  });

  it('createKey() never writes over a key, and takes no path for a name', async () => {
    await using temp = await tempDir();
    const dir = join(temp.path, 'keys');
    createKey({ dir, kid: 'ops' });
    const before = readFileSync(join(dir, 'ops.pem'), 'utf8');
    expect(thrownBy(() => createKey({ dir, kid: 'ops' }))).toEqual(failure('key_exists', 'ops'));
    expect(readFileSync(join(dir, 'ops.pem'), 'utf8')).toBe(before);
    for (const kid of ['../ops', 'a/b', '', '.', 'a:b', 'a\0b'])
      expect(thrownBy(() => createKey({ dir, kid }))).toEqual(failure('invalid_id'));
    expect(thrownBy(() => createKey({ dir, kid: 'glass', maxAge: 'soon' }))).toEqual(failure('key_invalid', 'max_age'));
    expect(existsSync(join(dir, 'glass.pem'))).toBe(false);
    symlinkSync(join(temp.path, 'elsewhere'), join(dir, 'planted.pem'));
    expect(thrownBy(() => createKey({ dir, kid: 'planted' }))).toEqual(failure('key_exists'));
    expect(existsSync(join(temp.path, 'elsewhere'))).toBe(false);
  });

  it.each<[string, string, (path: string, dir: string) => void]>([
    ['a mode that lets the group read', 'key_unsafe', (path) => chmodSync(path, 0o640)],
    ['a mode that lets others write', 'key_unsafe', (path) => chmodSync(path, 0o602)],
    [
      'a link in its place',
      'key_unsafe',
      (path, dir) => {
        renameSync(path, join(dir, 'real'));
        symlinkSync('real', path);
      },
    ],
    [
      'a directory in its place',
      'key_unsafe',
      (path) => {
        rmSync(path);
        execFileSync('mkdir', ['-m', '700', path]);
      },
    ],
    [
      'a fifo in its place',
      'key_unsafe',
      (path) => {
        rmSync(path);
        execFileSync('sh', ['-c', 'mkfifo -m 600 "$1"', 'sh', path]);
      },
    ],
    ['a directory that others can write to', 'key_unsafe', (_, dir) => chmodSync(dir, 0o777)],
    ['nothing in it', 'key_invalid', (path) => writeFileSync(path, '')],
    ['half of it', 'key_invalid', (path) => writeFileSync(path, readFileSync(path, 'utf8').slice(0, 60))],
    ['more than a key', 'key_invalid', (path) => writeFileSync(path, 'x'.repeat(100_000))],
    [
      'a key of another kind',
      'key_invalid',
      (path) =>
        writeFileSync(
          path,
          generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'pem', type: 'pkcs8' }),
        ),
    ],
    [
      'the key of another',
      'key_invalid',
      (path) => writeFileSync(path, generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' })),
    ],
    ['gone', 'key_not_found', (path) => rmSync(path)],
  ])('openSigner() does not use a key with %s', async (_, code, damage) => {
    await using temp = await tempDir();
    const dir = join(temp.path, 'keys');
    const { path } = createKey({ dir, kid: 'ops' });
    damage(path, dir);
    const error = thrownBy(() => openSigner(dir, 'ops'));
    expect(error).toEqual(failure(code, dir));
    expect(String(error)).not.toContain('PRIVATE KEY');
  });

  it.runIf(process.getuid?.() === 0)('openSigner() does not use a key of another user', async () => {
    await using temp = await tempDir();
    const dir = join(temp.path, 'keys');
    const { path } = createKey({ dir, kid: 'ops' });
    execFileSync('chown', ['65534', path]);
    expect(thrownBy(() => openSigner(dir))).toEqual(failure('key_unsafe', 'belongs to user 65534'));
    execFileSync('chown', ['0', path]);
    execFileSync('chown', ['65534', dir]);
    expect(thrownBy(() => openSigner(dir))).toEqual(failure('key_unsafe', 'belongs to user 65534'));
  });

  it('openSigner() takes a key that openssl made, and one that only a second name leads to', async () => {
    await using temp = await tempDir();
    const dir = join(temp.path, 'keys');
    createKey({ dir, kid: 'ops' });
    // What `openssl genpkey -algorithm ed25519` prints: the private key of RFC 8032, section 7.1, test 1.
    const pem =
      '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n';
    writeFileSync(join(dir, 'rfc.pem'), pem, { mode: 0o600 });
    linkSync(join(dir, 'rfc.pem'), join(dir, 'again.pem'));
    expect(openSigner(dir, 'rfc')?.commandKey).toBe('rfc:21fe31dfa154a261');
    expect(openSigner(dir, 'again')?.commandKey).toBe('again:21fe31dfa154a261');
  });

  it('openSigner() chooses the only ordinary key, an emergency key where it is alone, and asks between several', async () => {
    await using temp = await tempDir();
    const dir = join(temp.path, 'keys');
    expect(openSigner(dir)).toBeUndefined();
    createKey({ dir, kid: 'glass', maxAge: '10m', auditEveryUse: true });
    expect(openSigner(dir)).toMatchObject({
      kid: 'glass',
      policy: { label: 'glass', maxAgeMs: 600_000, auditEveryUse: true },
    });
    createKey({ dir, kid: 'ops' });
    expect(openSigner(dir)).toMatchObject({ kid: 'ops', policy: { label: 'ops', auditEveryUse: false } });
    expect(openSigner(dir, 'glass')?.kid).toBe('glass');
    createKey({ dir, kid: 'zoe' });
    expect(thrownBy(() => openSigner(dir))).toEqual(failure('key_ambiguous', 'ops, zoe'));
    chmodSync(join(dir, 'zoe.pem'), 0o644);
    expect(thrownBy(() => openSigner(dir))).toEqual(failure('key_unsafe', 'zoe.pem'));
    expect(listKeys(dir)).toMatchObject([
      { kid: 'glass' },
      { kid: 'ops' },
      { kid: 'zoe', fault: { code: 'key_unsafe' } },
    ]);
    removeKey(dir, 'zoe');
    expect(openSigner(dir)?.kid).toBe('ops');
    expect(thrownBy(() => removeKey(dir, 'zoe'))).toEqual(failure('key_not_found'));
  });
});

describe('a key ring', () => {
  it('is made with its first key, says what it enforces, and keeps one key per name', async () => {
    await using temp = await tempDir();
    const ring = join(temp.path, 'ring.json');
    const [ops, glass] = ['ops', 'glass'].map((kid) =>
      createKey({ dir: join(temp.path, 'keys'), kid, ...(kid === 'glass' ? { maxAge: '10m' } : {}) }),
    );
    if (!ops || !glass) throw new Error('no keys');
    expect(readRing(ring)).toBeUndefined();
    expect(trustKey(ring, ops.trusted)).toEqual({
      enforcing: false,
      keys: [{ ...ops.trusted, command_key: ops.commandKey }],
    });
    expect(modeOf(ring)).toBe('644');
    expect(trustKey(ring, glass.trusted, true)).toMatchObject({
      enforcing: true,
      keys: [{ kid: 'ops' }, { kid: 'glass', max_age: '10m' }],
    });
    expect(trustKey(ring, { ...ops.trusted, label: 'new' })).toMatchObject({
      enforcing: true,
      keys: [{ kid: 'glass' }, { kid: 'ops', label: 'new' }],
    });
    expect(thrownBy(() => trustKey(ring, { ...glass.trusted, kid: 'ops' }))).toEqual(failure('key_exists', 'ops'));
    expect(distrustKey(ring, 'glass')).toMatchObject({ keys: [{ kid: 'ops' }] });
    expect(thrownBy(() => distrustKey(ring, 'glass'))).toEqual(failure('key_not_found'));
    expect(thrownBy(() => distrustKey(ring, 'ops'))).toEqual(failure('ring_invalid', 'enforcing and has no key'));
    expect(setEnforcing(ring, false)).toMatchObject({ enforcing: false });
    expect(distrustKey(ring, 'ops')).toEqual({ enforcing: false, keys: [] });
    expect(thrownBy(() => setEnforcing(ring, true))).toEqual(failure('ring_invalid'));
    expect(readRing(ring)).toEqual({ enforcing: false, keys: [] });
  });

  it.each([
    ['', 'empty'],
    ['{', 'not JSON'],
    ['x'.repeat(300_000), 'limit'],
  ])('with a fault is not written over: %#', async (text, said) => {
    await using temp = await tempDir();
    const ring = join(temp.path, 'ring.json');
    writeFileSync(ring, text);
    const { trusted } = createKey({ dir: join(temp.path, 'keys'), kid: 'ops' });
    expect(thrownBy(() => trustKey(ring, trusted))).toEqual(failure('ring_invalid', said));
    expect(readFileSync(ring, 'utf8')).toBe(text);
  });

  it('that others may write, or that is a pipe, is not relied upon: machines would not, either', async () => {
    await using temp = await tempDir();
    const ring = join(temp.path, 'ring.json');
    const { trusted } = createKey({ dir: join(temp.path, 'keys'), kid: 'ops' });
    trustKey(ring, trusted);
    chmodSync(ring, 0o666);
    expect(thrownBy(() => readRing(ring))).toEqual(failure('ring_invalid', 'others may write it (mode 0666)'));
    expect(thrownBy(() => setEnforcing(ring, true))).toEqual(failure('ring_invalid'));
    rmSync(ring);
    execFileSync('sh', ['-c', 'mkfifo "$1"', 'sh', ring]);
    expect(thrownBy(() => readRing(ring))).toEqual(failure('ring_invalid', 'it is no file'));
    expect(thrownBy(() => trustedKeyIn(ring))).toEqual(failure('key_invalid', 'it is no file'));
  });

  it('takes no key from a file that is none, and repeats nothing of it: it may be a secret', async () => {
    await using temp = await tempDir();
    const secret = 'SUAH5SSD7F2KJ3IYJX4QLQJ7Z3RRU6GWJ4ZIL2ZK3V5QW6W6RZ6YF4';
    for (const text of [secret, JSON.stringify({ kid: secret, public_key: secret, label: secret })]) {
      const path = join(temp.path, 'named-by-mistake');
      writeFileSync(path, text);
      const error = thrownBy(() => trustedKeyIn(path)) as Error;
      expect(error).toEqual(failure('key_invalid'));
      expect(JSON.stringify([error.message, String(error.cause)])).not.toContain(secret.slice(0, 8));
    }
  });
});
