export {
  type AcceptedRelease,
  type InstallOptions,
  openUpdates,
  type UpdateEvent,
  type UpdateStanding,
  type Updates,
  type UpdatesOptions,
} from './api/open-updates.ts';
export { UpdateError, type UpdateErrorCode } from './fault/update-error.ts';
export { judgeTime } from './trust/judge.ts';
export { createReleaseKey, loadReleaseKeys, type NewReleaseKey, openReleaseKey } from './trust/key-files.ts';
export { type ReleaseKey, signRelease } from './trust/sign.ts';
export { type ReleaseTrust, type VerifiedRelease, verifyRelease } from './trust/verify.ts';
