/** Releases of the agent, from the operator's side: what is stored for machines to fetch, and who is to run which. Checks no signature. */
export { setTarget, type TargetSet } from './config/agent-settings.ts';
export { FleetError, type FleetErrorCode } from './fault/fleet-error.ts';
export {
  type Published,
  type PublishedFile,
  publishRelease,
  type ReleaseToPublish,
} from './releases/publish-release.ts';
export { type ListedRelease, listReleases, readRelease } from './releases/read-release.ts';
export { readTargets, type WantedBy } from './releases/read-targets.ts';
export { type RemovedRelease, removeRelease } from './releases/remove-release.ts';
