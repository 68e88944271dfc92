/** What a release is, who signs it and whom a machine believes. */
export {
  readReleaseManifest,
  readSignedRelease,
  releasePayloadType,
  releaseSignedMaterial,
  type SignedRelease,
  signedReleaseBytesMax,
} from './release/envelope.ts';
export { readReleaseKeys, releaseKeysBytesMax, type TrustedReleaseKey, writeReleaseKeys } from './release/keys.ts';
export {
  type ReleaseFile,
  type ReleaseFileKind,
  type ReleaseManifest,
  releaseFileBytesMax,
  releaseKind,
} from './release/manifest.ts';
export { releasePlatformOf } from './release/platform.ts';
export { compareReleaseVersions, isAtLeastVersion, isReleaseVersion } from './release/version.ts';
export { isToken } from './scalar/words.ts';
export { publicKeyOf } from './signing/keyring.ts';
export { base64OfBytes } from './signing/signature.ts';
