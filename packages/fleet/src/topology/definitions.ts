import {
  bucketHistory,
  bucketStream,
  buckets,
  entrySubject,
  objectStoreLimits,
  objectStores,
  objectStoresOnDemand,
  objectStream,
  objectSubjects,
  streamLimits,
  streams,
} from '@kanade/shared/fleet-words';
import { DiscardPolicy, RetentionPolicy, StorageType, type StreamConfig } from '@nats-io/jetstream';

/** One stream as the broker must hold it; buckets and object stores are streams with a name and subjects of their own. */
export type StreamDefinition = Partial<StreamConfig> & Pick<StreamConfig, 'name' | 'subjects'>;

const [minuteNs, dayNs] = [60_000_000_000, 86_400_000_000_000];

const kept = { storage: StorageType.File, retention: RetentionPolicy.Limits } as const;

function stream(name: (typeof streams)[keyof typeof streams]): StreamDefinition {
  const { subjects, ageDaysMax, bytesMax, perSubjectMax, knownIdsMinutes } = streamLimits[name];
  return {
    ...kept,
    name,
    subjects: [subjects],
    discard: DiscardPolicy.Old,
    max_age: ageDaysMax * dayNs,
    max_bytes: bytesMax,
    ...(perSubjectMax === undefined ? {} : { max_msgs_per_subject: perSubjectMax }),
    ...(knownIdsMinutes === undefined ? {} : { duplicate_window: knownIdsMinutes * minuteNs }),
  };
}

/** What NATS clients expect of a KV bucket (its stream, its subjects, its flags). */
function bucket(name: string): StreamDefinition {
  return {
    ...kept,
    name: bucketStream(name),
    subjects: [entrySubject(name, '>')],
    discard: DiscardPolicy.New,
    max_msgs_per_subject: bucketHistory(name),
    allow_rollup_hdrs: true,
    deny_delete: true,
    allow_direct: true,
  };
}

/** What NATS clients expect of an object store: chunks and metadata on subjects of one stream. */
function objectStore(name: keyof typeof objectStoreLimits): StreamDefinition {
  const { ageDaysMax, bytesMax } = objectStoreLimits[name];
  return {
    ...kept,
    name: objectStream(name),
    subjects: objectSubjects(name),
    discard: DiscardPolicy.New,
    allow_rollup_hdrs: true,
    allow_direct: true,
    max_age: ageDaysMax * dayNs,
    max_bytes: bytesMax,
  };
}

/**
 * Everything that kanade needs on a broker, from the names and limits of `shared`. The byte limits are reserved by the
 * server when a stream is created. EXEC keeps one order per subject, and subjects name the job: the newest order of each.
 */
export const definitions: readonly StreamDefinition[] = [
  ...Object.values(streams).map(stream),
  ...Object.values(buckets).map(bucket),
  ...Object.values(objectStores).map(objectStore),
];

/** The store of releases: it comes with the first one. */
export const releaseStore: StreamDefinition = objectStore(objectStoresOnDemand.agentReleases);
