/** What an agent makes of a release that its broker holds: the library judges, the agent says what it knows. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { releasePlatformOf, writeReleaseKeys } from '@kanade/shared/release';
import { tempDir } from '@kanade/testkit';
import { createReleaseKey, openReleaseKey, signRelease } from '@kanade/update';
import { expect, it } from 'vitest';
import { createInstall } from '../src/update/install.ts';

it.each([
  ['2.9.10', 'broker_too_old'],
  ['2.15.2', 'bytes_too_few'],
  [undefined, 'bytes_too_few'],
])('a release for nats-server 2.10 and later, at a broker of %s: %s', async (brokerVersion, code) => {
  await using dir = await tempDir();
  const program = join(dir.path, 'bin/kanade');
  for (const name of ['bin', 'share']) mkdirSync(join(dir.path, name));
  writeFileSync(program, '#!/bin/sh\n', { mode: 0o755 });
  const { trusted, path } = createReleaseKey({ dir: join(dir.path, 'keys'), keyid: 'release' });
  writeFileSync(join(dir.path, 'share/release-keys.json'), writeReleaseKeys([trusted]), { mode: 0o644 });
  const platform = releasePlatformOf(process.platform, process.arch);
  const signed = signRelease(
    {
      ...{ kind: 'kanade.release.v1', version: '99.0.0', broker_min: '2.10.0', version_floor: '0.0.1' },
      ...{ released_at: new Date().toISOString(), expires_at: new Date(Date.now() + 86_400_000).toISOString() },
      revoked_keys: [],
      files: [{ name: 'kanade', kind: 'executable', platform, bytes: 1, sha256: '0'.repeat(64) }],
    },
    [openReleaseKey(path)],
  );
  async function* piecesOf(name: string): AsyncGenerator<Uint8Array> {
    if (name.endsWith('-manifest')) yield Buffer.from(signed);
  }
  const install = createInstall({
    boot: { program },
    dataDir: dir.path,
    source: {
      brokerVersion,
      read: async (name, { take }) => ({ kind: 'taken', value: await take(piecesOf(name), 0) }),
    },
  });
  const attempt = await install('99.0.0', { onProgress: () => undefined, signal: new AbortController().signal });
  expect(attempt).toMatchObject({ code });
});
