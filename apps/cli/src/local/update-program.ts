/** This program replaced by another version of itself; loaded on demand. */
import { join, resolve } from 'node:path';
import { openUpdates } from '@kanade/update';
import { Failure } from '../answer/answer.ts';
import { productVersion } from '../version.ts';
import { type AgentAround, ownAgentDir } from './agent-dirs.ts';
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
export async function updateProgram(context: AgentAround, wish: UpdateWish) {
  const { io, cwd } = context;
  if (!isExecutable())
    throw new Failure(
      'not_an_executable',
      'this program runs as a package of Node: update it with the package manager',
    );
  const { 'data-dir': named } = wish;
  const dataDir = named === undefined ? await ownAgentDir(context) : resolve(cwd, named);
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
