/** Jobs: directories that say everything about one run, and outlive whoever started it. */

export type { JobsEvent } from './host/host.ts';
export { runHost as runKeeper } from './host/run-host.ts';
export { takeLock } from './job/claim.ts';
export { defaultWrapper, type JobDefinition, maskedPairs, parseEnvFile } from './job/definition.ts';
export { editMeta } from './job/edit-meta.ts';
export { encloseJobs } from './job/enclose.ts';
export { JobError } from './job/job-error.ts';
export { createJob, type LaunchedJob, launchJob, startJob } from './job/launch.ts';
export { type JobDir, type JobFile, jobFiles, limits, pathOf } from './job/layout.ts';
export { type ListedJob, type ListedJobs, type ListFilter, listJobs } from './job/list.ts';
export { type Observation, type ObserveOptions, observeStart, type WaitOptions, waitForEnd } from './job/observe.ts';
export {
  type Deletion,
  deleteJob,
  deleteJobsOf,
  type PruneLimits,
  type PruneOptions,
  type PruneReport,
  pruneJobs,
} from './job/prune.ts';
export {
  type MetaFile,
  type NotificationConfig,
  type OmittedRanges,
  readMeta,
  readOmitted,
  type StateFile,
} from './job/record.ts';
export { openForReading } from './job/replace-file.ts';
export { type RestartOptions, restartJob } from './job/restart.ts';
export { type RootLimits, type RootUsage, rootUsage, withinLimits } from './job/room.ts';
export { type JobView, settle } from './job/settle.ts';
export { type StopOptions, type StopOutcome, stopJob } from './job/stop.ts';
export { findJob, jobDir, jobNames } from './job/store.ts';
export { type JobEnv, type Jobs, type Launched, type OpenJobsOptions, openJobs } from './jobs.ts';
export { type Excerpt, readFrom, readHead, readTail } from './output/excerpt.ts';
export { parseSignal, type SignalName, signalByNumber } from './process/signal.ts';
export { defaultGraceMs } from './process/stop-plan.ts';
