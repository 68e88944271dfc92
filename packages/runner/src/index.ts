/** Jobs: directories that say everything about one run, and outlive whoever started it. */
export { JobError } from './job-error.ts';
export {
  type JobEnv,
  type Jobs,
  type JobsEvent,
  type OpenJobsOptions,
  openJobs,
  type RootHealth,
} from './jobs.ts';
export type { Launched } from './keep/care.ts';
export { type RunKeeperOptions, runKeeper } from './keep/keeper-process.ts';
export type { Deletion, PruneLimits, PruneOptions, PruneReport } from './keep/prune.ts';
export type { JobDefinition } from './life/definition.ts';
export type { JobDescription } from './life/describe.ts';
export type { Followed, FollowOptions } from './life/follow.ts';
export type { ListedJob, ListedJobs, ListFilter } from './life/list.ts';
export type { Observation, ObserveOptions, WaitOptions } from './life/observe.ts';
export type { NextReading, ReadNextOptions } from './life/read-next.ts';
export type { HeadReading, JobChange, JobReading, ReadOptions, ReadPart } from './life/read-on.ts';
export type { MatchedOutput } from './life/search.ts';
export type { JobView } from './life/settle.ts';
export type { StopOptions, StopOutcome } from './life/stop.ts';
export type { Excerpt } from './output/excerpt.ts';
export type { LineMatch } from './output/match.ts';
export { parseSignal, type SignalName, signalByNumber } from './process/send-signal.ts';
export type { StopReport } from './process/stop-tree.ts';
export {
  type JobDir,
  type JobFile,
  limits,
  type MetaFile,
  type NotificationConfig,
  type OmittedRanges,
  pathOf,
  type StateFile,
} from './record/layout.ts';
export type { RootLimits, RootUsage } from './record/root.ts';
