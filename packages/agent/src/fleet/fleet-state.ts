/**
 * What the fleet says about jobs, approvals and groups: core subscriptions on the buckets' own subjects, and a read of
 * the whole bucket after each connect. No standing consumer, nothing to pay for a machine that is off. No order is looked at
 * before what can forbid it was read on the connection that stands.
 */
import { bucketStream, buckets, bucketsOnDemand, entrySubject, isToken, storeKeys } from '@kanade/shared/fleet-words';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { Logger } from '../config/logger.ts';
import { limits } from '../limits.ts';
import { layerKeys, readScope } from '../machine/settings.ts';
import { type CachedBucket, type FleetCache, forbiddingBuckets } from '../store/fleet-cache.ts';
import { type BucketCopy, type CopyOptions, createBucketCopy, guarded, isRemoval } from './bucket-copy.ts';
import { readChanged, readLayers, readWhole } from './bucket-reads.ts';

export interface FleetState {
  /** Subscribes on a new connection. */
  open(connection: NatsConnection): void;
  /** The connection is up, for the first time or again: reads everything. */
  online(): void;
  /** The connection went. */
  away(): void;
  /** Brings one entry up to date, if the broker answers in time. Never rejects. */
  refresh(bucket: CachedBucket, key: string): Promise<void>;
}

export interface FleetStateOptions {
  readonly pcId: string;
  readonly cache: FleetCache;
  readonly connection: () => NatsConnection | undefined;
  readonly onGroups: () => void;
  /** A job changed, or several may have. */
  readonly onJobs: () => void;
  /** What can forbid an order was read on this connection. */
  readonly onCurrent: () => void;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

export function createFleetState(options: FleetStateOptions): FleetState {
  const { cache, connection, onCurrent, log, signal } = options;
  /** Which connection it is that stands: what was read on one before counts for nothing. */
  let epoch = 0;
  let unread = new Set<CachedBucket>();
  const refreshing: Asked = new Map();
  const copyOf: MakeCopy = (bucket, more) => {
    const copying = {
      bucket,
      cache,
      connection,
      epoch: () => epoch,
      onChange(key: string | undefined) {
        for (const [name, asked] of refreshing) asked.isOvertaken ||= key === undefined || name === `${bucket} ${key}`;
        more.onChange?.();
      },
      onRead(readIn: number) {
        if (readIn !== epoch || !unread.delete(bucket) || unread.size > 0) return;
        cache.setContact('current');
        onCurrent();
      },
      log,
      signal,
    };
    const keep = (change: () => void): void => guarded(copying, change, undefined);
    return createBucketCopy({
      ...more,
      ...copying,
      readNow: (open, follow) => more.read({ ...copying, keep }, open, follow),
    });
  };
  const copies = copiesOf(options, copyOf);
  return {
    open: (opened) => {
      for (const copy of copies) copy.open(opened);
    },
    online: () => {
      epoch++;
      unread = new Set(forbiddingBuckets);
      cache.setContact('reading');
      for (const copy of copies) copy.read.kick();
    },
    away: () => {
      epoch++;
      cache.setContact('away');
    },
    refresh: (bucket, key) => refresh(options, refreshing, { bucket, key }),
  };
}

type MakeCopy = (bucket: CachedBucket, more: CopyPlan) => BucketCopy;

interface CopyPlan extends Pick<CopyOptions, 'keys' | 'isAskedFirst' | 'isFit'> {
  readonly read: (options: Parameters<typeof readWhole>[0], open: NatsConnection, follow: () => void) => Promise<void>;
  readonly onChange?: () => void;
}

/** What is copied, each with the keys that concern this machine and the way in which it is read. */
function copiesOf({ pcId, cache, onGroups, onJobs, log }: FleetStateOptions, copyOf: MakeCopy): BucketCopy[] {
  const keys = (): readonly string[] => layerKeys(pcId, cache.groups());
  const isFit = (key: string, value: Uint8Array): boolean => {
    const { fault } = readScope(value);
    if (fault !== undefined) log.warn({ key, fault }, 'settings cannot be read: what they said before holds');
    return fault === undefined;
  };
  const settings = copyOf(buckets.agentConfig, {
    keys,
    isFit,
    isAskedFirst: true,
    read: (options, open, follow) => readLayers({ ...options, keys, isFit }, open, follow),
  });
  const whole = (bucket: CachedBucket, key: string, onChange?: () => void): BucketCopy =>
    copyOf(bucket, {
      keys: () => [key],
      read: (options, open) => readWhole(options, open, key),
      ...(onChange && { onChange }),
    });
  const onMembership = (): void => {
    onGroups();
    settings.read.kick(); // other layers concern it now
  };
  return [
    whole(buckets.scriptStatus, '>'),
    whole(buckets.scriptCurrent, '>'),
    whole(buckets.agentGroups, pcId, onMembership),
    whole(bucketsOnDemand.agentGroupsDerived, pcId, onMembership),
    copyOf(buckets.jobs, { keys: () => ['>'], read: readChanged, onChange: onJobs }),
    settings,
    whole(buckets.fleetConfig, storeKeys.supportCodes),
    whole(bucketsOnDemand.serverSettings, storeKeys.serverSettings),
  ];
}

/** Answers under way, by `bucket key`. */
type Asked = Map<string, { isOvertaken: boolean }>;

async function refresh(
  { cache, connection, log }: FleetStateOptions,
  refreshing: Asked,
  { bucket, key }: { bucket: CachedBucket; key: string },
): Promise<void> {
  const open = connection();
  if (!open || !isToken(key)) return;
  // A change that comes while the answer is under way is newer than the answer, or comes again.
  const asked = { isOvertaken: false };
  const name = `${bucket} ${key}`;
  refreshing.set(name, asked);
  try {
    const manager = await jetstreamManager(open, { timeout: limits.freshManifestMs, checkAPI: false });
    const message = await manager.streams.getMessage(bucketStream(bucket), {
      last_by_subj: entrySubject(bucket, key),
    });
    if (asked.isOvertaken) return;
    if (!message || isRemoval(message.header)) cache.remove(bucket, key);
    else cache.put(bucket, key, { value: message.data, sequence: message.seq });
  } catch (error) {
    log.debug({ err: error, bucket, key }, 'the broker could not be asked; what it last said holds');
  } finally {
    if (refreshing.get(name) === asked) refreshing.delete(name);
  }
}
