/*
 * Words on NATS that are no shapes: free of the schema library, so that a page and a hot path can have them alone
 * (`@kanade/shared/fleet-words`).
 */
export { osFamily } from '../scalar/system.ts';
export { isToken, omitDefaults, parseHumantime, withDefaults } from '../scalar/words.ts';
export {
  commandKey,
  type Headers,
  readSignatureHeaders,
  type Signature,
  type SignatureRead,
  signatureHeaders,
  signedMaterial,
  writeSignatureHeaders,
} from '../signing/signature.ts';
export { type ConfigField, configFields } from './config-words.ts';
export {
  countsForCheck,
  finalizeOf,
  type ResultVerdict,
  refusalResultId,
  type SyntheticExit,
  syntheticExits,
  verdictOf,
} from './exit.ts';
export { type Fenced, type FenceKind, stripFences, unfence } from './fence.ts';
export {
  objectChunkBytes,
  objectChunkSubject,
  objectDigest,
  objectMetaFilter,
  objectMetaSubject,
  objectRollup,
  objectStream,
  objectSubjects,
  sha256OfDigest,
  unpaddedMetaSubject,
} from './object-store.ts';
export { retriesMax } from './retry.ts';
export {
  bucketHistory,
  bucketStream,
  buckets,
  bucketsOnDemand,
  type ConfigAddress,
  collectionKey,
  configKey,
  diagnosticsJobId,
  entrySubject,
  manifestVersionOf,
  objectStoreLimits,
  objectStores,
  objectStoresOnDemand,
  outputKey,
  parseCollectionKey,
  parseConfigKey,
  parseVersionedKey,
  readMarkKey,
  releaseKey,
  releaseManifestKey,
  removalHeader,
  resultInlineBytesMax,
  type StreamName,
  scriptObjectBytesMax,
  scriptStatuses,
  storeKeys,
  streamLimits,
  streams,
  streamsOnDemand,
  versionedKey,
} from './store.ts';
export {
  type Address,
  amendmentSubject,
  anyHeartbeat,
  anyHostPerf,
  anyKill,
  anyProcessPerf,
  commandFilters,
  commandSubject,
  enrolledTag,
  enrolSubject,
  heartbeatSubject,
  hostPerfSubject,
  killSubject,
  logsSubject,
  notificationFilters,
  notificationSubject,
  obsSubject,
  parseSubject,
  pingSubject,
  processPerfSubject,
  resultSubject,
  startedSubject,
  subjectOf,
  type Target,
  tailSubject,
} from './subject.ts';
