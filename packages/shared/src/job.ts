/** Words of the command line and the job directory. */
export { JobMeta, JobStateFile, ProcessIdentity } from './job/record.ts';
export {
  ErrorResponse,
  KillResponse,
  ListEntry,
  ListResponse,
  RunResponse,
  StatusResponse,
  TailResponse,
  WaitResponse,
} from './job/response.ts';
export {
  type Ending,
  isJobName,
  isTag,
  isTagFilter,
  isTerminal,
  type JobErrorCode,
  type JobState,
  jobStates,
  matchesTag,
  type StopBy,
  type StoredState,
  schemaVersion,
  shortJobId,
} from './job/state.ts';
export { wholeSecond } from './scalar/duration.ts';
