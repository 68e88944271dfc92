/** Jobs: directories that say everything about one run, and outlive whoever started it. */
export { JobError } from './job-error.ts';
export { type JobEnv, type Jobs, type JobsEvent, type Launched, type OpenJobsOptions, openJobs } from './jobs.ts';
export { type RunKeeperOptions, runKeeper } from './keep/keeper-process.ts';
export type { Deletion, PruneLimits, PruneOptions, PruneReport } from './keep/prune.ts';
export { deleteJob, deleteJobsOf, pruneJobs } from './keep/prune.ts';
export type { RootLimits, RootUsage } from './keep/room.ts';
export { rootUsage, withinLimits } from './keep/room.ts';
export type { JobDefinition } from './life/definition.ts';
export { createJob, type LaunchedJob, launchJob, startJob } from './life/launch.ts';
export type { ListedJob, ListedJobs, ListFilter } from './life/list.ts';
export { listJobs } from './life/list.ts';
export type { Observation, ObserveOptions, WaitOptions } from './life/observe.ts';
export { observeStart, waitForEnd } from './life/observe.ts';
export { editMeta, restartJob } from './life/restart.ts';
export type { JobView } from './life/settle.ts';
export { settle } from './life/settle.ts';
export type { StopOptions, StopOutcome } from './life/stop.ts';
export { stopJob } from './life/stop.ts';
export type { Excerpt } from './output/excerpt.ts';
export { readFrom, readHead, readTail } from './output/excerpt.ts';
export { parseSignal, type SignalName, signalByNumber } from './process/send-signal.ts';
// Free functions that callers still use; they go when their callers have moved to openJobs().
export { openForReading, takeLock } from './record/files.ts';
export { type JobDir, type JobFile, limits, pathOf } from './record/layout.ts';
export type { MetaFile, NotificationConfig, OmittedRanges, StateFile } from './record/records.ts';
export { readMeta, readOmitted } from './record/records.ts';
export { findJob, jobDir, jobNames } from './record/root.ts';
