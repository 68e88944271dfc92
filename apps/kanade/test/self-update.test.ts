/** `kanade self-update` and `kanade release-key` from the far end: an installation replaces itself from a file and from a server, or stays as it was. */
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, linkSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type ReleaseManifest, releasePlatformOf } from '@kanade/shared/release';
import { tempDir } from '@kanade/testkit';
import { openReleaseKey, signRelease } from '@kanade/update';
import { describe, expect, it } from 'vitest';
import { answer, call, type Json, program } from './program.ts';

const platform = releasePlatformOf(process.platform, process.arch);
const daysMs = 86_400_000;
const iso = (afterMs: number): string => new Date(Date.now() + afterMs).toISOString();

/** An installation with keys of its own; what it remembers is in `data`. */
async function installation() {
  const dir = await tempDir();
  const [installed, keys] = [join(dir.path, 'opt/bin/kanade'), join(dir.path, 'keys')];
  for (const folder of ['opt/bin', 'opt/share', 'release']) mkdirSync(join(dir.path, folder), { recursive: true });
  const [built = ''] = program;
  try {
    linkSync(built, installed); // it is exchanged by another name, never written to
  } catch {
    copyFileSync(built, installed);
  }
  // Where its agent keeps its data is said where the agent is told of it.
  const toml = join(dir.path, 'agent.toml');
  writeFileSync(toml, '[agent]\ndata_dir = "data"\n', { mode: 0o644 });
  const env = { HOME: dir.path, KANADE_AGENT_CONFIG: toml, KANADE_RELEASE_KEYS_DIR: keys };
  const say = (...args: string[]): Promise<Json & { status: number | null }> =>
    answer(args, { env, words: [installed] });
  const made = await say('release-key', 'create', 'release-1');
  await say('release-key', 'show', '--write', join(dir.path, 'opt/share/release-keys.json'));
  const file = join(dir.path, 'release/release.json');

  /** A release of one program, which says its version as ours does. */
  function release(
    version: string,
    over: Partial<ReleaseManifest> = {},
    text = `#!/bin/sh\necho "kanade ${version} (sh)"\n`,
  ) {
    const name = `kanade-${platform}`;
    writeFileSync(join(dir.path, 'release', name), text);
    const sha256 = createHash('sha256').update(text).digest('hex');
    const manifest: ReleaseManifest = {
      kind: 'kanade.release.v1',
      version,
      released_at: iso(-daysMs),
      expires_at: iso(daysMs),
      version_floor: '0.0.1',
      revoked_keys: [],
      files: [{ name, kind: 'executable', platform, bytes: text.length, sha256 }],
      ...over,
    };
    writeFileSync(file, signRelease(manifest, [openReleaseKey(join(keys, 'release-1.pem'))]));
    return name;
  }

  const version = async () => /^\S+ (\S+)/.exec((await call(['--version'], { env, words: [installed] })).stdout)?.[1];
  const own = await version();
  return {
    path: dir.path,
    installed,
    env,
    say,
    made,
    file,
    release,
    version,
    own,
    [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
  };
}

const codeOf = ({ error }: Json): string | undefined => error?.code;

describe('kanade self-update', () => {
  it('looks, then puts what was signed in its place, and keeps the old one', async () => {
    await using place = await installation();
    place.release('9.9.9');
    const looked = await place.say('self-update', '--file', place.file, '--check');
    expect(looked).toMatchObject({
      ok: true,
      type: 'self_update',
      from: place.own,
      version: '9.9.9',
      installed: false,
    });
    expect(await place.version()).toBe(place.own);
    const done = await place.say('self-update', '--file', place.file);
    expect(done).toMatchObject({ ok: true, version: '9.9.9', installed: true, program: place.installed });
    expect(await place.version()).toBe('9.9.9');
    expect(statSync(`${place.installed}.old`).size).toBe(statSync(program[0] ?? '').size);
    expect(JSON.parse(readFileSync(join(place.path, 'data/update/trial.json'), 'utf8'))).toMatchObject({
      version: '9.9.9',
    });
  });

  it('refuses everything else with its code, and stays as it was', async () => {
    await using place = await installation();
    const refused = async (...more: string[]) => codeOf(await place.say('self-update', '--file', place.file, ...more));
    const name = place.release('9.9.9');
    writeFileSync(join(place.path, 'release', name), '#!/bin/sh\necho "kanade 6.6.6 (sh)"\n');
    expect(await refused()).toBe('bytes_wrong');
    writeFileSync(join(place.path, 'release', name), '#!/bin/sh\n');
    expect(await refused()).toBe('bytes_too_few');
    place.release('9.9.9', { expires_at: iso(-1), released_at: iso(-2 * daysMs) });
    expect(await refused()).toBe('release_expired');
    place.release('9.9.9', { version_floor: '9.9.10' });
    expect(await refused()).toBe('release_below_floor');
    place.release('9.9.9', {}, '#!/bin/sh\nkill -SEGV $$\n');
    expect(await refused()).toBe('program_unfit');
    place.release('9.9.9', { released_at: iso(-3 * daysMs) });
    expect(await refused()).toBe('release_replayed');
    await place.say('release-key', 'create', 'stranger', '--keys-dir', join(place.path, 'strange'));
    await place.say(
      'release-key',
      'show',
      '--keys-dir',
      join(place.path, 'strange'),
      '--write',
      join(place.path, 'strange.json'),
    );
    place.release('9.9.9');
    expect(await refused('--release-keys', join(place.path, 'strange.json'))).toBe('release_unsigned');
    expect(await refused('--release-keys', join(place.path, 'none.json'))).toBe('keys_missing');
    expect(codeOf(await place.say('self-update', '--file', `${place.file}.none`))).toBe('file_unreadable');
    expect((await call(['self-update'], { env: place.env, words: [place.installed] })).status).toBe(2);
    expect(await place.version()).toBe(place.own);
    expect([existsSync(`${place.installed}.new`), existsSync(`${place.installed}.old`)]).toEqual([false, false]);
  });

  it('fetches from a server, and from none that could be anybody', async () => {
    await using place = await installation();
    const name = place.release('9.9.9');
    const asked: string[] = [];
    const server = createServer(({ url = '' }, response) => {
      asked.push(url);
      if (url === '/away') return response.writeHead(302, { location: 'http://downloads.example/release.json' }).end();
      if (url === '/round') return response.writeHead(302, { location: '/round' }).end();
      if (url === '/1/release.json') return response.end(readFileSync(place.file));
      if (url === `/1/${name}`) return response.end(readFileSync(join(place.path, 'release', name)));
      if (url === '/moved?token=s3cret') return response.writeHead(301, { location: '/1/release.json' }).end();
      if (url === '/large') {
        const more = (): void =>
          void (response.destroyed || response.write(Buffer.alloc(64 * 1024, ' '), () => setImmediate(more)));
        return more();
      }
      response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const from = (url: string) => place.say('self-update', '--url', url);
      expect(codeOf(await from('http://downloads.example/release.json'))).toBe('url_refused');
      expect(codeOf(await from(`${origin}/away`))).toBe('url_refused');
      const secret = await from(origin.replace('//', '//ana:s3cret@'));
      expect(codeOf(secret)).toBe('url_refused');
      expect(JSON.stringify(secret)).not.toContain('s3cret');
      expect(codeOf(await from(`${origin}/round`))).toBe('download_failed');
      expect(codeOf(await from(`${origin}/none`))).toBe('download_failed');
      expect(codeOf(await from(`${origin}/large`))).toBe('download_failed');
      expect(await place.version()).toBe(place.own);
      expect(await from(`${origin}/moved?token=s3cret`)).toMatchObject({ ok: true, version: '9.9.9', installed: true });
      expect(asked.at(-1)).toBe(`/1/${name}`);
      expect(await place.version()).toBe('9.9.9');
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });
});

describe('kanade release-key', () => {
  it('makes a key whose private half nobody else reads, and shows the public one', async () => {
    await using place = await installation();
    const path = place.made.private_key_file as string;
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(JSON.stringify(place.made)).not.toContain('PRIVATE');
    expect(codeOf(await place.say('release-key', 'create', 'release-1'))).toBe('key_exists');
    expect(await place.say('release-key', 'show')).toMatchObject({
      keys: [{ keyid: 'release-1', public_key: place.made.public_key }],
    });
    const { stdout } = await call(['release-key', 'show', '--human'], { env: place.env, words: [place.installed] });
    expect(stdout).toContain('1 release key');
  });

  it('signs a release anew: it lives on, may be gone back to, and revokes a key', async () => {
    await using place = await installation();
    place.release('9.9.8', { expires_at: iso(60_000) });
    const sign = (...more: string[]) => place.say('release-key', 'sign', place.file, ...more);
    const [before, after] = [Date.now(), await sign('--for', '10d')];
    expect(Date.parse(after.expires_at as string) - before).toBeGreaterThan(9 * daysMs);
    expect(await place.say('self-update', '--file', place.file, '--check')).toMatchObject({
      ok: true,
      version: '9.9.8',
    });
    // The one that was signed before is older now.
    place.release('9.9.9');
    expect(codeOf(await place.say('self-update', '--file', place.file, '--check'))).toBe('release_replayed');
    await place.say('release-key', 'create', 'spare');
    await place.say('release-key', 'show', '--write', join(place.path, 'opt/share/release-keys.json'));
    expect(await sign('--key', 'spare', '--revoke', 'release-1', '--floor', '9.9.9')).toMatchObject({
      keyid: 'spare',
      revoked_keys: ['release-1'],
    });
    expect(await place.say('self-update', '--file', place.file, '--check')).toMatchObject({
      ok: true,
      version: '9.9.9',
    });
    place.release('9.9.10', { released_at: iso(daysMs / 2) });
    expect(codeOf(await place.say('self-update', '--file', place.file, '--check'))).toBe('release_revoked');
  });
});
