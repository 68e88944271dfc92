/*
 * What a release consists of, as it is signed:
 *
 *   { "kind": "kanade.release.v1",
 *     "version": "1.2.0",
 *     "released_at": "2026-11-27T12:00:00Z",   the order of signed words: an older one never takes the place of a newer one
 *     "expires_at": "2027-02-27T12:00:00Z",    not taken afterwards: who holds back what is newer cannot do so for ever
 *     "version_floor": "1.0.0",                whoever has seen this installs nothing below
 *     "broker_min": "2.10.0",                  oldest NATS server that the version works with (optional)
 *     "revoked_keys": ["ops-2025"],            keys that are believed no more
 *     "files": [ { "name": "kanade-linux-x86_64", "kind": "executable", "platform": "linux-x86_64",
 *                  "bytes": 98000000, "sha256": "<64 hex digits>" } ] }
 *
 * Readers keep fields that they do not know and files of kinds that they do not know.
 */
import * as z from 'zod';
import { Instant } from '../scalar/time.ts';
import { isToken } from '../scalar/words.ts';
import { isReleaseVersion } from './version.ts';

export const releaseKind = 'kanade.release.v1';
/** Largest file of a release, in bytes. */
export const releaseFileBytesMax = 256 * 1024 * 1024;
const releaseFilesMax = 1_000;
const revokedKeysMax = 256;

/** What a file of a release is. */
export type ReleaseFileKind = 'executable' | 'deb' | 'rpm' | 'tarball' | 'npm' | 'sbom';

const Version = z.string().refine(isReleaseVersion, { error: 'must be a version such as 1.2.0 or 1.2.0-rc.1' });
const KeyId = z.string().refine(isToken, { error: 'must be a key id: letters, digits, _ . -' });

const ReleaseFile = z.looseObject({
  /** A file name, no path. */
  name: z
    .string()
    .regex(/^[A-Za-z0-9@][A-Za-z0-9@._+~-]{0,199}$/, { error: 'must be the name of a file, without a path' }),
  kind: z.string().min(1).max(64),
  platform: z.string().refine(isToken, { error: 'must be a platform such as linux-x86_64' }).optional(),
  bytes: z.int().min(1).max(releaseFileBytesMax),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, { error: 'must be 64 hex digits' }),
});
export type ReleaseFile = z.infer<typeof ReleaseFile>;

export const ReleaseManifest = z
  .looseObject({
    kind: z.literal(releaseKind),
    version: Version,
    released_at: Instant,
    expires_at: Instant,
    version_floor: Version,
    broker_min: Version.optional(),
    revoked_keys: z.array(KeyId).max(revokedKeysMax),
    files: z.array(ReleaseFile).min(1).max(releaseFilesMax),
  })
  .superRefine(({ released_at, expires_at, files }, { addIssue }) => {
    const fault = (path: (string | number)[], message: string) => addIssue({ code: 'custom', path, message });
    if (Date.parse(expires_at) <= Date.parse(released_at)) fault(['expires_at'], 'must be after released_at');
    const names = new Set<string>();
    for (const [at, { name }] of files.entries()) {
      if (names.has(name)) fault(['files', at, 'name'], `is there twice: ${name}`);
      names.add(name);
    }
  });
export type ReleaseManifest = z.infer<typeof ReleaseManifest>;
