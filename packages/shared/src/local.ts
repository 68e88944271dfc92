/** Words on the local protocol (KLP): the method table and its payloads. */
export { NotificationAmendment, NotificationPriority, notificationDefaults } from './fleet/notification.ts';
export { LocalError, LocalPush, LocalRequest, LocalResponse } from './local/envelope.ts';
export { LocalErrorKind } from './local/error-kind.ts';
export { Handshake, HandshakeResult, VersionResult } from './local/handshake.ts';
export { Check, StateChanged, StateSnapshot } from './local/machine-state.ts';
export { DeferDuration, deferDurationMs, isDeferrable, MaintenanceItem } from './local/maintenance.ts';
export {
  EarlyCategory,
  EarlyUserInvokableJob,
  JobProgress,
  JobRun,
  OutputPart,
  OutputQuery,
  RunStatus,
  UserInvokableJob,
} from './local/message.ts';
export { localContract } from './local/method.ts';
export { LocalNotification, NotificationFilter } from './local/notification.ts';
export { DiagnosticsPreview, DiagnosticsResult, UnlockGrant } from './local/support.ts';
export {
  commonErrors,
  commonProtocol,
  isEnded,
  type LocalFeature,
  localAddress,
  localDefaults,
  localErrors,
  localFeatures,
  localListMax,
  protocolVersions,
  runStatuses,
} from './local/words.ts';
export { createReader, type Fault, type Read, readAs, strictAs } from './scalar/strict.ts';
export { omitDefaults, withDefaults } from './scalar/words.ts';
