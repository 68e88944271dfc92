/** This program replaced by another version of itself; loaded on demand. */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { agentDataDir } from '@kanade/shared/local-words';
import { openUpdates } from '@kanade/update';
import { Failure } from '../answer/answer.ts';
import type { Context } from '../call/command.ts';
import { productVersion } from '../version.ts';
import { installedReleaseKeys, isExecutable } from './installed.ts';
import { fileSource, type ReleaseSource, urlSource } from './release-source.ts';

interface UpdateWish {
  readonly file?: string | undefined;
  readonly url?: string | undefined;
  readonly check: boolean;
  readonly again: boolean;
  readonly 'release-keys'?: string | undefined;
  readonly 'data-dir'?: string | undefined;
}

/** Throws UpdateError, and Failure `not_an_executable`, `file_unreadable`, `url_refused`, `download_failed`. */
export async function updateProgram({ io, cwd }: Pick<Context, 'io' | 'cwd'>, wish: UpdateWish) {
  if (!isExecutable())
    throw new Failure(
      'not_an_executable',
      'this program runs as a package of Node: update it with the package manager',
    );
  const place = { isRoot: process.getuid?.() === 0, home: io.env.HOME || homedir() };
  const dataDir = resolve(cwd, wish['data-dir'] ?? agentDataDir(io.env, place));
  const keys = wish['release-keys'];
  const [program, from] = [process.execPath, productVersion()];
  const updates = openUpdates({
    dir: join(dataDir, 'update'),
    program,
    version: from,
    keysFile: keys === undefined ? installedReleaseKeys() : resolve(cwd, keys),
  });
  const source: ReleaseSource =
    wish.url === undefined ? fileSource(resolve(cwd, wish.file ?? '')) : urlSource(wish.url, io.signal);
  const release = updates.accept(await source.signed());
  const { version, released_at, expires_at } = release.manifest;
  const told = { program, from, version, released_at, expires_at, file: release.file.name };
  if (wish.check || version === from) return { ...told, installed: false };
  await updates.install(release, { bytes: source.open(release.file.name), signal: io.signal, again: wish.again });
  return { ...told, installed: true };
}
