/** Words on NATS: orders, results, events, settings; with those of `./fleet-words`, which are no shapes. */

export {
  AgentGroups,
  agentGroups,
  ConfigScope,
  type ConfigScopes,
  configBounds,
  configDefaults,
  EffectiveConfig,
  effectiveGroups,
  intervalMsOf,
  isProcessPerfActive,
  jitterMsOf,
  type LogLevel,
  logLevels,
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
  logHeaders,
  logsFetchDefaults,
} from './fleet/ask.ts';
export {
  bodyFault,
  Command,
  commandDefaults,
  createCommandReader,
  readCommand,
  timeoutSeconds,
  timeoutSecsMax,
  withDeadline,
} from './fleet/command.ts';
export {
  type Body,
  CommandEnvelope,
  envelopeKind,
  readBody,
} from './fleet/envelope.ts';
export {
  CheckAlert,
  CheckAlertStatus,
  CheckHint,
  CheckStatus,
  CollectHint,
  checkDefaults,
  collectDefaults,
  EmitConfig,
} from './fleet/hint.ts';
export { FinalizeCommand, finalizeDefaults, Retry, RunAs, Shell, Staleness } from './fleet/launch.ts';
export {
  Notification,
  NotificationAcked,
  NotificationAmendment,
  NotificationPriority,
  NotificationToasted,
  NotificationUnacked,
  notificationDefaults,
  ReadMark,
  strictNotification,
  type ToastFault,
} from './fleet/notification.ts';
export { AuditRecord, ObsEvent, type ObsKind, obsEventDefaults, obsEventKey, obsKinds } from './fleet/obs-event.ts';
export {
  type AgentUpdate,
  commandProtocols,
  Heartbeat,
  HostPerf,
  HwInventory,
  ProcessPerf,
  ProcessSample,
  type UpdateState,
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
export { EventStarted, ExecResult, execResultDefaults, type StopSummary, survivorsMax } from './fleet/report.ts';
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
  strictFreeze,
  strictServerSettings,
  supportCodesMax,
  supportMinutesOf,
} from './fleet/stored.ts';
export {
  anyResult,
  anyStart,
  auditSubject,
  filtersOfNotification,
  nobodyKey,
  readerIn,
  startsOf,
  toastedPrefix,
} from './fleet/subject.ts';
export * from './fleet/words.ts';
export { ByteSize, parseByteSize } from './scalar/byte-size.ts';
export { Id } from './scalar/id.ts';
export { createReader, type Fault, faultsOf, type Read, readAs, strictAs } from './scalar/strict.ts';
export { Humantime, Instant } from './scalar/time.ts';
export {
  type EnrolAnswer,
  type EnrolledKey,
  type Enrolment,
  type EnrolRefusal,
  type EnrolRequest,
  type EnrolToken,
  enrolKeyringBytesMax,
  enrolledKey,
  enrolRequestBytesMax,
  enrolSigned,
  enrolTokenCharsMax,
  enrolTokenHead,
  enrolUsesMax,
  readEnrolAnswer,
  readEnrolledKey,
  readEnrolment,
  readEnrolRequest,
  readEnrolToken,
  readSignedEnrol,
  readStoredEnrolToken,
  type SignedEnrol,
  type StoredEnrolToken,
} from './signing/enrolment.ts';
export {
  type KeyringFile,
  keyPolicy,
  keyringBytesMax,
  keyringFilesMax,
  keyringKind,
  publicKeyOf,
  readKeyring,
  type TrustedKey,
} from './signing/keyring.ts';
export { base64OfBytes } from './signing/signature.ts';
export {
  type AcceptedCommand,
  type CommandVerification,
  envelopeLifeMsMax,
  type KeyPolicy,
  type Keyring,
  type RefusedCommand,
  startDeadline,
  type Verification,
  type VerifyError,
  type VerifyingKey,
  verifyCommand,
} from './signing/verify-command.ts';
