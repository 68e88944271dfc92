import { buckets, objectStores, streams } from '@kanade/shared/fleet';
import { DiscardPolicy, RetentionPolicy, StorageType, type StreamConfig } from '@nats-io/jetstream';

/** One stream as the broker must hold it; buckets and object stores are streams with a name and subjects of their own. */
export type StreamDefinition = Partial<StreamConfig> & Pick<StreamConfig, 'name' | 'subjects'>;

const mebibyte = 1_048_576;
const dayNs = 86_400_000_000_000;
/** How many values of a key a bucket keeps. */
const bucketHistory = 5;

const kept = { storage: StorageType.File, retention: RetentionPolicy.Limits } as const;

function stream(name: string, subjects: string[], limits: Partial<StreamConfig>): StreamDefinition {
  return { ...kept, name, subjects, discard: DiscardPolicy.Old, ...limits };
}

/** What NATS clients expect of a KV bucket (its stream, its subjects, its flags). */
function bucket(name: string): StreamDefinition {
  return {
    ...kept,
    name: `KV_${name}`,
    subjects: [`$KV.${name}.>`],
    discard: DiscardPolicy.New,
    max_msgs_per_subject: bucketHistory,
    allow_rollup_hdrs: true,
    deny_delete: true,
    allow_direct: true,
  };
}

/** What NATS clients expect of an object store: chunks and metadata on subjects of one stream. */
function objectStore(name: string, limits: Partial<StreamConfig>): StreamDefinition {
  return {
    ...kept,
    name: `OBJ_${name}`,
    subjects: [`$O.${name}.C.>`, `$O.${name}.M.>`],
    discard: DiscardPolicy.New,
    allow_rollup_hdrs: true,
    allow_direct: true,
    ...limits,
  };
}

/**
 * Everything that kanade needs on a broker (fleet reference, sections 2.2 to 2.4). The byte limits are reserved by the
 * server when a stream is created. EXEC keeps one order per subject, and subjects name the job: the newest order of each.
 */
export const definitions: readonly StreamDefinition[] = [
  stream(streams.exec, ['commands.>'], { max_age: 7 * dayNs, max_bytes: 64 * mebibyte, max_msgs_per_subject: 1 }),
  stream(streams.results, ['results.>'], { max_age: 30 * dayNs, max_bytes: 2048 * mebibyte }),
  stream(streams.events, ['events.>'], { max_age: 7 * dayNs, max_bytes: 256 * mebibyte }),
  ...Object.values(buckets).map(bucket),
  objectStore(objectStores.resultOutput, { max_age: 30 * dayNs, max_bytes: 1024 * mebibyte }),
];
