/** Words of the command line and the job directory. What needs no schema is on the command line's hot path and loads no zod. */
export {
  DeleteEntry,
  DeleteResponse,
  GcResponse,
  KillResponse,
  NotifySetResponse,
  TagSetResponse,
} from './job/change-response.ts';
export { CompressionData } from './job/compression.ts';
export { type CompressionMode, compressionModes } from './job/compression-mode.ts';
export { AnsweredState, Excerpts } from './job/envelope.ts';
export { type JobErrorCode, jobErrors } from './job/error-code.ts';
export { CompletionEvent, CompletionRecord, DeliveryResult, MatchEvent, MatchRecord } from './job/event.ts';
export { jobSchemaDocument } from './job/json-schema.ts';
export { CreateResponse, RestartResponse, RunResponse, StartResponse } from './job/launch-response.ts';
export {
  LegacyDeleteResponse,
  LegacyErrorResponse,
  LegacyGcEntry,
  LegacyGcResponse,
  LegacyInstallSkillsResponse,
  LegacyKillResponse,
  LegacyListResponse,
  LegacyRunResponse,
  LegacySnapshot,
  LegacyStartResponse,
  LegacyStatusResponse,
  LegacyTailResponse,
  LegacyWaitResponse,
} from './job/legacy.ts';
export { ListEntry, ListResponse, StatusResponse, TailResponse, WaitResponse } from './job/look-response.ts';
export { JobNotification, OutputMatch } from './job/notification.ts';
export {
  JobEnding,
  JobMeta,
  JobStateFile,
  jobMetaDefaults,
  jobStateDefaults,
  ProcessIdentity,
  strictJobMeta,
  strictJobState,
} from './job/record.ts';
export { JobResponse, jobResponses, strictJobResponse } from './job/response.ts';
export {
  type Ending,
  isJobName,
  isLegalMove,
  isTag,
  isTagFilter,
  isTerminal,
  type JobState,
  jobStates,
  matchesTag,
  type StopBy,
  type StoredState,
  schemaVersion,
  shortJobId,
  stateMoves,
} from './job/state.ts';
export {
  type LegacyLaunch,
  toLegacyDelete,
  toLegacyError,
  toLegacyGc,
  toLegacyInstallSkills,
  toLegacyKill,
  toLegacyLaunch,
  toLegacyList,
  toLegacySnapshot,
  toLegacyStatus,
  toLegacyTail,
  toLegacyWait,
} from './job/to-legacy.ts';
export {
  AmbiguityDetails,
  ErrorResponse,
  HealthResponse,
  InstallSkillsResponse,
  SchemaResponse,
} from './job/tool-response.ts';
export { WholeSecond } from './job/whole-second.ts';
export { omitDefaults, withDefaults } from './scalar/defaults.ts';
export { wholeSecond } from './scalar/duration.ts';
export { createReader } from './scalar/reader.ts';
export { type Fault, type Read, readAs } from './scalar/strict.ts';
