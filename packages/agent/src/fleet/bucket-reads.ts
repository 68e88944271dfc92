/**
 * How a bucket is read after a connect. What can forbid is read whole each time. Of the catalogue, which is large, only what is not
 * known yet: the broker names the newest message of every key without what it says, and an entry that stands in the place
 * where it stood before is the one that was read then. That holds for one stream in the hands of one server that has not
 * ended since; otherwise all of it is read.
 */
import { isMissingStream } from '@kanade/fleet/connection';
import { bucketStream, buckets, bucketsOnDemand, entrySubject } from '@kanade/shared/fleet-words';
import type { NatsConnection } from '@nats-io/transport-node';
import type { Logger } from '../config/logger.ts';
import type { BucketChange, BucketMark, CachedBucket, FleetCache, HeldEntry } from '../store/fleet-cache.ts';
import { isForbidden, isRemoval, keyOf } from './bucket-copy.ts';
import { lookAtStream, readStream } from './connect.ts';

interface ReadOptions {
  readonly bucket: CachedBucket;
  readonly cache: FleetCache;
  /** Makes a change of the copy; never throws. */
  readonly keep: (change: () => void) => void;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** Everything below a filter that is there now, by key. */
async function entriesOf(
  open: NatsConnection,
  { bucket, signal }: Pick<ReadOptions, 'bucket' | 'signal'>,
  keys: string,
): Promise<Map<string, HeldEntry>> {
  const read = { stream: bucketStream(bucket), filter: entrySubject(bucket, keys), from: 'newest', signal } as const;
  const entries = new Map<string, HeldEntry>();
  await readStream(open, read, ({ subject, data, seq, headers }) => {
    if (!isRemoval(headers)) entries.set(keyOf(bucket, subject), { value: data.slice(), sequence: seq });
  });
  return entries;
}

/** Reads everything below a filter. */
export async function readWhole(options: ReadOptions, open: NatsConnection, keys: string): Promise<void> {
  const { bucket, cache, keep } = options;
  let entries: Map<string, HeldEntry>;
  try {
    entries = await entriesOf(open, options, keys);
  } catch (error) {
    if (!isNobodyThere(options, error)) throw error;
    entries = new Map();
  }
  keep(() => cache.replace(bucket, entries));
}

/** Buckets that not every fleet has, and that a broker whose permissions are from before them keeps from us. */
const optionalBuckets: readonly string[] = [
  bucketsOnDemand.agentGroupsDerived,
  buckets.fleetConfig,
  bucketsOnDemand.serverSettings,
];

/** Then there is nothing: this machine is in no group that was derived, and no code opens anything. A first entry would come live. */
function isNobodyThere({ bucket, log }: ReadOptions, error: unknown): boolean {
  if (!optionalBuckets.includes(bucket)) return false;
  if (isForbidden(error)) log.warn({ bucket }, 'the broker does not let this machine read what concerns it there');
  return isMissingStream(error) || isForbidden(error);
}

/** Reads what has changed in a bucket since it was read last; all of it where that cannot be known. */
export async function readChanged(options: ReadOptions, open: NatsConnection): Promise<void> {
  const { bucket, cache, keep } = options;
  const { identity, lastSeq, messages, isShared } = await lookAtStream(open, bucketStream(bucket));
  // What comes after this look has a higher place: it is found at the next one.
  const mark: BucketMark = { stream: identity, sequence: lastSeq, messages };
  // The servers of a cluster end and begin behind one that goes on.
  const known = isShared ? undefined : cache.markOf(bucket);
  if (known?.stream === identity && known.sequence <= lastSeq) {
    // Nothing was added and nothing taken away.
    if (known.sequence === lastSeq && known.messages === messages) return;
    const change = await changesOf(options, open);
    if (change) return keep(() => cache.amend(bucket, change, mark));
  }
  const entries = await entriesOf(open, options, '>');
  keep(() => cache.replace(bucket, entries, isShared ? undefined : mark));
}

/** What is not known yet; undefined when to read all of it is less. */
async function changesOf(options: ReadOptions, open: NatsConnection): Promise<BucketChange | undefined> {
  const { bucket, cache, signal } = options;
  const source = { stream: bucketStream(bucket), filter: entrySubject(bucket, '>'), signal };
  const now = new Map<string, number>();
  await readStream(open, { ...source, from: 'newest', headersOnly: true }, ({ subject, seq, headers }) => {
    if (!isRemoval(headers)) now.set(keyOf(bucket, subject), seq);
  });
  const had = cache.sequences(bucket);
  const gone = new Set([...had.keys()].filter((key) => !now.has(key)));
  const entries = new Map<string, HeldEntry>();
  const fresh = [...now].filter(([key, sequence]) => had.get(key) !== sequence);
  const first = fresh.reduce((least, [, sequence]) => Math.min(least, sequence), Number.POSITIVE_INFINITY);
  if (fresh.length === 0) return { entries, gone };
  if ([...now.values()].filter((sequence) => sequence >= first).length * 2 > now.size) return undefined;
  await readStream(open, { ...source, from: first }, ({ subject, data, seq, headers }) => {
    const key = keyOf(bucket, subject);
    const isGone = isRemoval(headers);
    if (isGone) entries.delete(key);
    else entries.set(key, { value: data.slice(), sequence: seq });
    gone[isGone ? 'add' : 'delete'](key);
  });
  return { entries, gone };
}

interface LayerOptions extends ReadOptions {
  /** The keys of the layers that concern this machine. */
  readonly keys: () => readonly string[];
  readonly isFit: (key: string, value: Uint8Array) => boolean;
}

/**
 * Reads the settings of this machine, one layer at a time: permissions name each of them. Of its groups only those are asked for that
 * have settings. Without the bucket there are none; where the broker keeps it from us, what it last said holds.
 */
export async function readLayers(options: LayerOptions, open: NatsConnection, follow: () => void): Promise<void> {
  const { bucket, cache, keep, keys, isFit, log } = options;
  try {
    await layersThere(open, bucket);
  } catch (error) {
    if (isForbidden(error)) return log.warn({ bucket }, 'the broker does not let this machine read its settings');
    if (!isMissingStream(error)) throw error;
  }
  follow(); // from here on no change is missed
  const entries = new Map<string, HeldEntry>();
  try {
    const there = await layersThere(open, bucket);
    for (const key of keys()) {
      if (key.startsWith('groups.') && !there.has(key)) continue;
      for (const [name, entry] of await layerOf(options, open, key)) entries.set(name, entry);
    }
  } catch (error) {
    if (!isMissingStream(error)) throw error;
  }
  const before = cache.settings();
  for (const [key, { value }] of entries) {
    if (isFit(key, value)) continue;
    const last = before.get(key);
    if (last === undefined) entries.delete(key);
    else entries.set(key, { value: new TextEncoder().encode(last) });
  }
  keep(() => cache.replace(bucket, entries));
}

/** Keys of the groups that have settings, or had some. */
async function layersThere(open: NatsConnection, bucket: string): Promise<ReadonlySet<string>> {
  const { subjects } = await lookAtStream(open, bucketStream(bucket), entrySubject(bucket, 'groups.>'));
  return new Set(subjects.map((subject) => keyOf(bucket, subject)));
}

async function layerOf(options: LayerOptions, open: NatsConnection, key: string): Promise<Map<string, HeldEntry>> {
  try {
    return await entriesOf(open, options, key);
  } catch (error) {
    if (!isForbidden(error)) throw error;
    options.log.warn({ key }, 'the broker does not let this machine read these settings; they do not count here');
    return new Map();
  }
}
