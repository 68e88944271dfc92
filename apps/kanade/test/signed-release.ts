/** Releases as their signer makes them: executables in a directory, and the signed file that names them. */
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeReleaseKeys } from '@kanade/shared/release';
import { createReleaseKey, openReleaseKey, signRelease } from '@kanade/update';

const dayMs = 86_400_000;

/** What may be said of a release otherwise than usual. */
interface Said {
  readonly version_floor?: string;
  readonly released_at?: string;
  readonly expires_at?: string;
  readonly broker_min?: string;
  /** Who signs; default: the signer that installs believe. */
  readonly by?: string;
}

export interface Signer {
  /** The file of public keys that belongs into `share/` of an install. */
  readonly keysFile: string;
  /** The public half of a signer's key, as files of keys have it. */
  publicKey(by: 'release' | 'stranger'): string;
  /** Signs a release of one executable; returns the path of the signed file, beside which the executable lies. */
  sign(version: string, executable: { readonly path: string; readonly platform: string }, said?: Said): string;
}

/** A signer that installs believe, and a stranger called `stranger`. */
export function openSigner(dir: string): Signer {
  const keys = join(dir, 'keys');
  const { trusted } = createReleaseKey({ dir: keys, keyid: 'release' });
  const { trusted: stranger } = createReleaseKey({ dir: keys, keyid: 'stranger' });
  const keysFile = join(dir, 'release-keys.json');
  writeFileSync(keysFile, writeReleaseKeys([trusted]), { mode: 0o644 });
  let signed = 0;
  return {
    keysFile,
    publicKey: (by) => (by === 'release' ? trusted : stranger).public_key,
    sign(version, { path, platform }, { by = 'release', ...said } = {}) {
      const home = join(dir, `signed-${++signed}`);
      mkdirSync(home);
      const name = `kanade-${platform}`;
      copyFileSync(path, join(home, name));
      const sha256 = createHash('sha256').update(readFileSync(path)).digest('hex');
      const atMs = Date.now();
      const manifest = {
        kind: 'kanade.release.v1' as const,
        version,
        released_at: new Date(atMs).toISOString(),
        expires_at: new Date(atMs + dayMs).toISOString(),
        version_floor: '0.0.1',
        revoked_keys: [],
        files: [{ name, kind: 'executable', platform, bytes: statSync(path).size, sha256 }],
        ...said,
      };
      const file = join(home, 'release.json');
      writeFileSync(file, signRelease(manifest, [openReleaseKey(join(keys, `${by}.pem`))]));
      return file;
    },
  };
}
