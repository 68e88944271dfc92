/** What commands need of release keys; loaded on demand, because it brings crypto and schemas. */
import { replaceFile } from '@kanade/durable/files';
import { type TrustedReleaseKey, writeReleaseKeys } from '@kanade/shared/release';

export { signedReleaseBytesMax } from '@kanade/shared/release';
export { createReleaseKey, loadReleaseKeys, openReleaseKey, signRelease, verifyRelease } from '@kanade/update';

/** Writes what everybody may read, as a whole. */
export const writePublic = (path: string, text: string): void =>
  replaceFile(path, text, { durable: true, mode: 0o644 });

/** Writes the file of keys that an installation trusts. */
export const writeTrustedKeys = (path: string, keys: readonly TrustedReleaseKey[]): void =>
  writePublic(path, writeReleaseKeys(keys));
