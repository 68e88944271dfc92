/** An install for tests: a program, the keys that came with it, and releases of later versions. */
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ReleaseManifest, writeReleaseKeys } from '@kanade/shared/release';
import { openUpdates, signRelease, type UpdatesOptions } from '@kanade/update';
import { manifestOf, newKey } from './signed-release.ts';

export const platform = 'linux-x86_64';
/** When releases of tests are good. */
export const nowMs = Date.parse('2026-11-10T00:00:00Z');

/** A program that tells its version; `rest` is what it does besides. */
export const programOf = (version: string, rest = ''): string => `#!/bin/sh\n${rest}\necho "app ${version} (sh)"\n`;

export function install(root: string, version = '1.0.0') {
  const bin = join(root, 'bin');
  mkdirSync(bin, { recursive: true });
  const program = join(bin, 'app');
  writeFileSync(program, programOf(version));
  chmodSync(program, 0o755);
  const [key, spare] = [newKey('release'), newKey('spare')];
  const keysFile = join(root, 'release-keys.json');
  writeFileSync(keysFile, writeReleaseKeys([key.trusted, spare.trusted]), { mode: 0o644 });
  const dir = join(root, 'data/update');
  return {
    key,
    spare,
    dir,
    program,
    open: (over: Partial<UpdatesOptions> = {}) =>
      openUpdates({ dir, program, version, keysFile, platform, now: () => nowMs, ...over }),
    /** The version that a start of the program would be. */
    version: () => /app (\S+)/.exec(readFileSync(program, 'utf8'))?.[1],
    beside: () => readdirSync(bin).sort(),
    state: () =>
      existsSync(dir)
        ? readdirSync(dir)
            .filter((name) => name !== 'lock')
            .sort()
        : [],
    start: { dir, program },
    release: (over: Partial<ReleaseManifest> & { readonly text?: string } = {}) => releaseOf(over, [key]),
    releaseBy: releaseOf,
  };
}

function releaseOf(
  { text, ...over }: Partial<ReleaseManifest> & { readonly text?: string },
  keys = [newKey('nobody')],
) {
  const version = over.version ?? '1.2.0';
  const bytes = Buffer.from(text ?? programOf(version));
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const file = { name: `app-${platform}`, kind: 'executable', platform, bytes: bytes.length, sha256 };
  const manifest = manifestOf({ version, files: [file], ...over });
  return { bytes, manifest, envelope: signRelease(manifest, keys) };
}

export async function* partsOf(bytes: Uint8Array, partBytes = 7): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += partBytes) yield bytes.subarray(at, at + partBytes);
}
