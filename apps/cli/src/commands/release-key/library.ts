/** What commands need of release keys; loaded on demand, because it brings crypto and schemas. */
export { replaceFile } from '@kanade/durable/files';
export { signedReleaseBytesMax, writeReleaseKeys } from '@kanade/shared/release';
export { createReleaseKey, loadReleaseKeys, openReleaseKey, signRelease, verifyRelease } from '@kanade/update';
