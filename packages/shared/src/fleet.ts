/** Words on NATS: orders, results, manifests, subjects and names of streams and buckets. */
export { Command, decodeCommand, RunAs, Shell, Staleness } from './fleet/command.ts';
export { ClientBlock, Confirm, commandOf, Execute, Manifest, strictManifest, Visibility } from './fleet/manifest.ts';
export { EventStarted, ExecResult, Heartbeat, type SyntheticExit, syntheticExits } from './fleet/report.ts';
export {
  buckets,
  commandFilters,
  commandSubject,
  heartbeatSubject,
  killSubject,
  objectStores,
  pingSubject,
  resultInlineBytesMax,
  resultSubject,
  startedSubject,
  streams,
  type Target,
} from './fleet/subject.ts';
export { parseHumantime, wholeSecond } from './scalar/duration.ts';
export { Id, idLengthMax, isToken } from './scalar/id.ts';
export { openEnum } from './scalar/open-enum.ts';
export { type Fault, faultsOf } from './scalar/strict.ts';
export { Humantime, Instant } from './scalar/time.ts';
