/** What commands need to judge releases; loaded on demand, because it brings crypto and schemas. */
export { isAtLeastVersion, signedReleaseBytesMax } from '@kanade/shared/release';
export { judgeTime, loadReleaseKeys, verifyRelease } from '@kanade/update';
