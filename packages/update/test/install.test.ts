/** What comes in the place of a program, and what does not: trust lesson 16, by everybody who holds the store, the line or the clock. */
import { chmodSync, existsSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from '@kanade/testkit';
import type { UpdateEvent, Updates } from '@kanade/update';
import { beginStart } from '@kanade/update/boot';
import { describe, expect, it } from 'vitest';
import { install, partsOf, programOf } from './place.ts';

type Release = ReturnType<ReturnType<typeof install>['release']>;

const codeOf = async (work: () => unknown): Promise<unknown> => {
  try {
    await work();
    return 'done';
  } catch (error) {
    return (error as { code?: string }).code;
  }
};
const put = async (
  updates: Updates,
  { envelope, bytes }: Release,
  over: { bytes?: Uint8Array; again?: boolean } = {},
) => updates.install(updates.accept(envelope), { ...over, bytes: partsOf(over.bytes ?? bytes) });

describe('install()', () => {
  it('puts what was signed in the place of the program, step by step, and keeps the old one until it is healthy', async () => {
    await using root = await tempDir();
    const place = install(root.path);
    symlinkSync(place.program, join(root.path, 'link'));
    const steps: UpdateEvent[] = [];
    const updates = place.open({ program: join(root.path, 'link'), onEvent: (event) => steps.push(event) });
    await put(updates, place.release());
    expect(steps.map(({ type }) => type)).toEqual(['staged', 'tried', 'noted', 'kept', 'exchanged']);
    expect(place.version()).toBe('1.2.0');
    expect(readFileSync(`${place.program}.old`, 'utf8')).toBe(programOf('1.0.0'));
    expect(statSync(place.program).mode & 0o777).toBe(0o755);
    expect(place.beside()).toEqual(['app', 'app.old', 'app.trial']);
    expect(statSync(place.dir).mode & 0o777).toBe(0o700);
    expect(updates.standing()).toMatchObject({
      accepted: { version_floor: '1.0.0', released_at: '2026-11-01T00:00:00Z', revoked_keys: [] },
      trial: { from: '1.0.0', version: '1.2.0', starts: 0 },
      quarantined: [],
    });
  });

  it.each<[string, string, (release: Release) => Uint8Array]>([
    [
      'another executable of the same size',
      'bytes_wrong',
      ({ bytes }) => Buffer.from(bytes.toString().replace('1.2.0', '6.6.6')),
    ],
    ['one that is cut', 'bytes_too_few', ({ bytes }) => bytes.subarray(0, -1)],
    ['none', 'bytes_too_few', () => Buffer.alloc(0)],
    ['one that has more behind it', 'bytes_too_many', ({ bytes }) => Buffer.concat([bytes, Buffer.from('\n')])],
  ])('takes nothing else than what was signed: %s', async (_, code, forged) => {
    await using root = await tempDir();
    const place = install(root.path);
    const release = place.release();
    expect(await codeOf(() => put(place.open(), release, { bytes: forged(release) }))).toBe(code);
    expect([place.version(), place.beside(), place.state()]).toEqual(['1.0.0', ['app'], ['accepted.json']]);
  });

  it('leaves a stream without an end at the first byte too much', async () => {
    await using root = await tempDir();
    const place = install(root.path);
    const updates = place.open();
    const { envelope, bytes } = place.release();
    let given = 0;
    async function* endless() {
      for (;;) {
        given += bytes.length;
        yield bytes;
      }
    }
    const installed = updates.install(updates.accept(envelope), { bytes: endless() });
    expect(await codeOf(() => installed)).toBe('bytes_too_many');
    expect(given).toBe(2 * bytes.length);
  });

  it.each<[string, string]>([
    ['of another architecture', `\x7fELF\x02\x01\x01${'\0'.repeat(9)}\x02\0\xf7\x7f\x01\0\0\0${'\0'.repeat(40)}`],
    ['that crashes at its start', '#!/bin/sh\nkill -SEGV $$\n'],
    ['that fails', '#!/bin/sh\necho "app 1.2.0"\nexit 1\n'],
    ['whose interpreter is missing', '#!/nowhere/at/all\n'],
    ['that says nothing', '#!/bin/sh\n'],
    ['that is another version', programOf('1.2.1')],
    ['without a head', 'nonsense'],
  ])('tries a program before it counts on it: one %s stays outside', async (_, text) => {
    await using root = await tempDir();
    const place = install(root.path);
    expect(await codeOf(() => put(place.open(), place.release({ text })))).toBe('program_unfit');
    expect([place.version(), place.beside(), place.state()]).toEqual(['1.0.0', ['app'], ['accepted.json']]);
  });

  it('stops where it is told to, and leaves nothing', async () => {
    await using root = await tempDir();
    const place = install(root.path);
    const ending = new AbortController();
    const updates = place.open({ onEvent: () => ending.abort(new Error('enough')) });
    const { envelope, bytes } = place.release();
    const installed = updates.install(updates.accept(envelope), { bytes: partsOf(bytes), signal: ending.signal });
    await expect(installed).rejects.toThrow('enough');
    expect([place.version(), place.beside()]).toEqual(['1.0.0', ['app']]);
  });

  it('is alone at it, and not for what runs already', async () => {
    await using root = await tempDir();
    const place = install(root.path);
    const updates = place.open();
    const release = place.release();
    const gate = Promise.withResolvers<void>();
    async function* held() {
      await gate.promise;
      yield release.bytes;
    }
    const first = updates.install(updates.accept(release.envelope), { bytes: held() });
    expect(await codeOf(() => put(place.open(), release))).toBe('busy');
    gate.resolve();
    await first;
    expect(await codeOf(() => put(place.open({ version: '1.2.0' }), release))).toBe('already_current');
  });

  it('takes one back that has not proved itself only when nobody counts its starts', async () => {
    await using root = await tempDir();
    const place = install(root.path);
    await put(place.open(), place.release());
    const next = place.release({ version: '1.3.0' });
    expect(beginStart({ ...place.start, version: '1.2.0' })).toMatchObject({ kind: 'run', trial: { start: 1 } });
    expect(await codeOf(() => put(place.open({ version: '1.2.0' }), next))).toBe('on_trial');
    expect(place.version()).toBe('1.2.0');
  });
});

describe('accept()', () => {
  it.each<[string, string, Parameters<ReturnType<typeof install>['release']>[0]]>([
    ['is expired', 'release_expired', { expires_at: '2026-11-10T00:00:00Z' }],
    ['is below its own floor', 'release_below_floor', { version: '1.2.0', version_floor: '1.2.1' }],
    [
      'has nothing for this platform',
      'release_other_platform',
      { files: [{ name: 'a', kind: 'executable', platform: 'darwin-aarch64', bytes: 1, sha256: 'ab'.repeat(32) }] },
    ],
    [
      'has only a package for it',
      'release_other_platform',
      { files: [{ name: 'a', kind: 'deb', platform: 'linux-x86_64', bytes: 1, sha256: 'ab'.repeat(32) }] },
    ],
  ])('refuses what %s', async (_, code, over) => {
    await using root = await tempDir();
    const place = install(root.path);
    expect(await codeOf(() => place.open().accept(place.release(over).envelope))).toBe(code);
  });

  it('refuses what was not asked for, and a broker that is too old for it', async () => {
    await using root = await tempDir();
    const place = install(root.path);
    const { envelope } = place.release({ broker_min: '2.10.0' });
    const updates = place.open();
    const code = (wish: object) => codeOf(() => updates.accept(envelope, wish));
    expect(await code({ version: '1.2.0', brokerVersion: '2.10.0' })).toBe('done');
    expect(await code({ version: '1.3.0' })).toBe('release_other_version');
    expect(await code({ brokerVersion: '2.9.15' })).toBe('broker_too_old');
    expect(await code({ brokerVersion: 'a fork' })).toBe('broker_too_old');
  });

  it('believes no older word once it has seen a newer one: replay, roll-back and freeze', async () => {
    await using root = await tempDir();
    const place = install(root.path);
    const code = (release: Release, over = {}) => codeOf(() => place.open(over).accept(release.envelope));
    const old = place.release({
      version: '1.1.0',
      released_at: '2026-10-01T00:00:00Z',
      expires_at: '2026-11-15T00:00:00Z',
    });
    const next = place.release({ version: '1.3.0', version_floor: '1.2.0', released_at: '2026-11-09T00:00:00Z' });
    expect(await code(old)).toBe('done');
    expect(await code(old)).toBe('done');
    expect(await code(next)).toBe('done');
    expect(await code(old)).toBe('release_replayed');
    // Signed anew it may come again, but not below the floor that was seen.
    const anew = { released_at: '2026-11-09T12:00:00Z', version_floor: '1.0.0' };
    expect(await code(place.release({ ...anew, version: '1.2.0' }))).toBe('done');
    expect(await code(place.release({ ...anew, version: '1.1.0' }))).toBe('release_below_floor');
    expect(place.open().standing().accepted).toEqual({
      released_at: anew.released_at,
      version_floor: '1.2.0',
      revoked_keys: [],
    });
    // What is held back is not believed for ever.
    expect(await code(next, { now: () => Date.parse('2027-02-01T00:00:00Z') })).toBe('release_expired');
  });

  it('believes no clock that says less than what was signed', async () => {
    await using root = await tempDir();
    const place = install(root.path);
    const at = (iso: string) => ({ now: () => Date.parse(iso) });
    const code = (release: Release, clock: object) => codeOf(() => place.open(clock).accept(release.envelope));
    const short = place.release({ released_at: '2026-11-01T00:00:00Z', expires_at: '2026-11-05T00:00:00Z' });
    // A clock of another century takes the first word; there is nothing to hold it against.
    expect(await code(short, at('1970-01-01T00:00:00Z'))).toBe('done');
    expect(
      await code(place.release({ version: '1.3.0', released_at: '2026-11-05T00:00:00Z' }), at('1970-01-01T00:00:00Z')),
    ).toBe('done');
    const again = place.release({
      version: '1.4.0',
      released_at: '2026-11-05T00:00:00Z',
      expires_at: '2026-11-05T00:00:01Z',
    });
    expect(await code(again, at('2026-11-05T00:00:02Z'))).toBe('release_expired');
    expect(await code(short, at('2026-11-02T00:00:00Z'))).toBe('release_expired');
  });

  it('believes a revoked key never again, and nobody who is not in the file', async () => {
    await using root = await tempDir();
    const place = install(root.path);
    const code = (release: Release) => codeOf(() => place.open().accept(release.envelope));
    expect(await code(place.release())).toBe('done');
    expect(await code(place.releaseBy({ revoked_keys: ['release'] }, [place.spare]))).toBe('done');
    expect(await code(place.release({ version: '1.3.0', released_at: '2026-11-09T00:00:00Z' }))).toBe(
      'release_revoked',
    );
    expect(await code(place.releaseBy({ version: '1.3.0' }, [place.spare]))).toBe('done');
    expect(await code(place.releaseBy({ version: '1.3.0' }))).toBe('release_unsigned');
    // What a stranger says of floor and keys is not remembered.
    expect(place.open().standing().accepted?.revoked_keys).toEqual(['release']);
  });

  it.each([
    '',
    '{',
    '[]',
    '{"released_at":"soon"}',
    '{"released_at":"2026-11-01T00:00:00Z","version_floor":"1","revoked_keys":[]}',
  ])('is locked when what it remembers is damaged: %j', async (text) => {
    await using root = await tempDir();
    const place = install(root.path);
    place.open().accept(place.release().envelope);
    writeFileSync(join(place.dir, 'accepted.json'), text);
    expect(await codeOf(() => place.open().accept(place.release().envelope))).toBe('state_invalid');
  });

  it('is locked without the keys that came with the install', async () => {
    await using root = await tempDir();
    const place = install(root.path);
    const keysFile = join(root.path, 'release-keys.json');
    chmodSync(keysFile, 0o666);
    expect(await codeOf(() => place.open().accept(place.release().envelope))).toBe('keys_invalid');
    expect(await codeOf(() => place.open({ keysFile: `${keysFile}.none` }).accept(place.release().envelope))).toBe(
      'keys_missing',
    );
    expect(existsSync(place.dir)).toBe(false);
  });
});
