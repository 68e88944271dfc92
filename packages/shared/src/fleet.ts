/** Words on NATS: orders, results, manifests, schedules, settings, subjects and names of streams, buckets and keys. */

export {
  AgentGroups,
  agentGroups,
  ConfigScope,
  type ConfigScopes,
  configDefaults,
  EffectiveConfig,
  effectiveGroups,
  isProcessPerfActive,
  type MultiGroupConflict,
  resolveConfig,
  strictConfigScope,
} from './fleet/agent-config.ts';
export {
  JobTailReply,
  JobTailRequest,
  jobTailReplyDefaults,
  jobTailRequestDefaults,
  LogsFetchRequest,
  logsFetchDefaults,
} from './fleet/ask.ts';
export {
  type At,
  type CalendarDate,
  type DayRule,
  type DayWindow,
  isInWindow,
  isSkippedDate,
  parseAt,
  parseDate,
  parseDays,
  parseTimeOfDay,
  parseWindow,
  type TimeOfDay,
} from './fleet/calendar.ts';
export { ClientBlock, Confirm, isMeant, isShown, ShowWhen, Visibility } from './fleet/client-block.ts';
export {
  bodyFault,
  Command,
  commandDefaults,
  decodeCommand,
  encodeCommand,
  timeoutSeconds,
} from './fleet/command.ts';
export { commandOf } from './fleet/command-of.ts';
export { DisplayField, Explode, Feed, InventoryBlock, Origin } from './fleet/data-block.ts';
export { type Dispatch, dispatchKey, parseDispatchKey } from './fleet/dispatch-key.ts';
export { type DocumentName, documentNames, documentSchema } from './fleet/document-schema.ts';
export {
  type Body,
  CommandEnvelope,
  type EnvelopeRead,
  envelopeKind,
  readBody,
  readEnvelope,
} from './fleet/envelope.ts';
export { type Fenced, type FenceKind, fence, fenceKinds, unfence } from './fleet/fence.ts';
export {
  alertDefaults,
  alertPlaceholders,
  CheckAlert,
  CheckAlertStatus,
  CheckHint,
  CheckStatus,
  CollectHint,
  checkDefaults,
  collectDefaults,
  EmitConfig,
} from './fleet/hint.ts';
export { FinalizeCommand, finalizeDefaults, Retry, RunAs, retriesMax, Shell, Staleness } from './fleet/launch.ts';
export { Execute, Finalize, finalizeTimeout, Manifest, manifestDefaults, Tier, tierOf } from './fleet/manifest.ts';
export {
  Notification,
  NotificationAcked,
  NotificationAmendment,
  NotificationPriority,
  NotificationUnacked,
  notificationDefaults,
  ReadMark,
  strictNotification,
} from './fleet/notification.ts';
export {
  isSameDigest,
  objectChunkBytes,
  objectChunkSubject,
  objectDigest,
  objectMetaSubject,
  objectRollup,
  objectStream,
  objectSubjects,
  unpaddedMetaSubject,
} from './fleet/object-store.ts';
export { ObsEvent, type ObsKind, obsEventDefaults, obsEventKey, obsKinds } from './fleet/obs-event.ts';
export { unsupportedOn } from './fleet/os-support.ts';
export { parseSubject } from './fleet/parse-subject.ts';
export {
  commandProtocols,
  Heartbeat,
  HostPerf,
  HwInventory,
  heartbeatDefaults,
  ProcessPerf,
  ProcessSample,
} from './fleet/pulse.ts';
export {
  RemoteControl,
  RemoteControlReply,
  RemoteInput,
  readTile,
  remoteStartDefaults,
  type Tile,
  type TileRead,
  tileHeaders,
} from './fleet/remote.ts';
export {
  countsForCheck,
  EventStarted,
  ExecResult,
  execResultDefaults,
  legacyResultName,
  refusalResultName,
  type SyntheticExit,
  syntheticExits,
  uuidNamespaceOid,
  type Verdict,
  verdictOf,
} from './fleet/report.ts';
export {
  Active,
  Calendar,
  Constraints,
  formOf,
  OnFailure,
  OsEvent,
  Require,
  Rollout,
  retryOf,
  Schedule,
  scheduleDefaults,
  When,
  type WhenForm,
} from './fleet/schedule.ts';
export {
  commandKey,
  type Headers,
  keyFingerprint,
  readSignatureHeaders,
  type Signature,
  type SignatureRead,
  signatureAlgorithm,
  signatureHeaders,
  signedMaterial,
  writeSignatureHeaders,
} from './fleet/signature.ts';
export {
  agentReleaseBytesMax,
  appPackageBytesMax,
  bucketHistory,
  buckets,
  bucketsOnDemand,
  type ConfigAddress,
  collectionKey,
  configKey,
  objectStores,
  objectStoresOnDemand,
  outputKey,
  parseConfigKey,
  readMarkKey,
  releaseKey,
  replayConsumer,
  resultInlineBytesMax,
  type StreamName,
  scriptObjectBytesMax,
  storeKeys,
  streamLimits,
  streams,
  streamsOnDemand,
  versionedKey,
} from './fleet/store.ts';
export {
  AgentMeta,
  decodeFreeze,
  Freeze,
  isFrozen,
  isSupportCodeUsable,
  ObjectInfo,
  ScriptStatus,
  ServerSettings,
  SupportCode,
  SupportCodes,
  serverDefaults,
  serverSettingsMax,
  strictFreeze,
  strictServerSettings,
  supportMinutes,
  supportMinutesOf,
} from './fleet/stored.ts';
export { type StrictManifestOptions, strictManifest } from './fleet/strict-manifest.ts';
export { type StrictScheduleOptions, strictSchedule } from './fleet/strict-schedule.ts';
export {
  type Address,
  amendmentSubject,
  commandFilters,
  commandSubject,
  heartbeatSubject,
  type InventoryPart,
  killSubject,
  type PcSubject,
  pcSubject,
  pcSubjects,
  pingSubject,
  resultSubject,
  startedSubject,
  subjectOf,
  type Target,
} from './fleet/subject.ts';
export {
  type AcceptedCommand,
  envelopeLifeMsMax,
  type KeyPolicy,
  type Keyring,
  type RefusedCommand,
  signingAheadMsMax,
  startDeadline,
  type Verification,
  type VerifyError,
  type VerifyingKey,
  type VerifyOptions,
  verifyCommand,
} from './fleet/verify-command.ts';
export { ByteSize, parseByteSize } from './scalar/byte-size.ts';
export { type Filled, omitDefaults, withDefaults } from './scalar/defaults.ts';
export { parseHumantime, wholeSecond } from './scalar/duration.ts';
export { Id, idLengthMax, isToken } from './scalar/id.ts';
export { openEnum } from './scalar/open-enum.ts';
export { createReader } from './scalar/reader.ts';
export { type Fault, faultsOf, type Read, readAs, strictAs } from './scalar/strict.ts';
export { Humantime, Instant } from './scalar/time.ts';
