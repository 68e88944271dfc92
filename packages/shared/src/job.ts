/** Words of the command line and the job directory; with those of `./job-words` and `./job-legacy`, which are no shapes. */
export {
  DeleteEntry,
  DeleteResponse,
  GcResponse,
  KillResponse,
  NotifySetResponse,
  TagSetResponse,
} from './job/change-response.ts';
export { CompressionData } from './job/compression.ts';
export { AnsweredState, Excerpts } from './job/envelope.ts';
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
export { QueueListResponse, QueueSetResponse } from './job/queue-response.ts';
export {
  JobEnding,
  JobMeta,
  JobStateFile,
  ProcessIdentity,
  strictJobMeta,
  strictJobState,
} from './job/record.ts';
export { JobResponse, jobResponses, strictJobResponse } from './job/response.ts';
export {
  type LegacyLaunch,
  toLegacyDelete,
  toLegacyError,
  toLegacyGc,
  toLegacyInstallSkills,
  toLegacyKill,
  toLegacyLaunch,
  toLegacyList,
  toLegacyStatus,
  toLegacyTail,
  toLegacyWait,
} from './job/to-legacy.ts';
export {
  type JobTool,
  type JobToolCall,
  type JobToolSchemas,
  jobToolCalls,
  jobToolSchemas,
} from './job/tool-call.ts';
export {
  AmbiguityDetails,
  ErrorResponse,
  HealthResponse,
  InstallSkillsResponse,
  SchemaResponse,
} from './job/tool-response.ts';
export { WholeSecond } from './job/whole-second.ts';
export {
  type CompressionMode,
  compressionModes,
  type Ending,
  isJobName,
  isQueueName,
  isTag,
  isTagFilter,
  isTerminal,
  type JobErrorCode,
  type JobState,
  jobErrors,
  jobStates,
  matchesTag,
  type StopBy,
  type StoredState,
  schemaVersion,
  shortJobId,
  wholeSecond,
} from './job/words.ts';
export { createReader, type Fault, type Read, readAs } from './scalar/strict.ts';
export { omitDefaults, withDefaults } from './scalar/words.ts';
