/**
 * What the fleet says about jobs, approvals and groups: core subscriptions on the buckets' own subjects, and a read of
 * the whole bucket after each connect. No standing consumer, nothing to pay for a machine that is off. No order is looked at
 * before what can forbid it was read on the connection that stands.
 */
import { isMissingStream } from '@kanade/fleet/connection';
import {
  bucketStream,
  buckets,
  bucketsOnDemand,
  entrySubject,
  isToken,
  removalHeader,
} from '@kanade/shared/fleet-words';
import { jetstreamManager } from '@nats-io/jetstream';
import { type Msg, type MsgHdrs, type NatsConnection, PermissionViolationError } from '@nats-io/transport-node';
import type { Logger } from '../config/logger.ts';
import { limits } from '../limits.ts';
import { type CachedBucket, type FleetCache, forbiddingBuckets } from '../store/fleet-cache.ts';
import { readStream } from './connect.ts';
import { createRepeated, type Repeated } from './repeat.ts';

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
  /** What can forbid an order was read on this connection. */
  readonly onCurrent: () => void;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

export function createFleetState(options: FleetStateOptions): FleetState {
  const { pcId, cache, connection, onGroups, onCurrent, log, signal } = options;
  /** Which connection it is that stands: what was read on one before counts for nothing. */
  let epoch = 0;
  let unread = new Set<CachedBucket>();
  const refreshing: Asked = new Map();
  const copies = watchedBy(pcId).map(([bucket, keys]) =>
    createBucketCopy({
      bucket,
      keys,
      cache,
      connection,
      epoch: () => epoch,
      onChange(key) {
        for (const [name, asked] of refreshing) asked.isOvertaken ||= key === undefined || name === `${bucket} ${key}`;
        if (keys === pcId) onGroups();
      },
      onRead(readIn) {
        if (readIn !== epoch || !unread.delete(bucket) || unread.size > 0) return;
        cache.setContact('current');
        onCurrent();
      },
      log,
      signal,
    }),
  );
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
    else cache.put(bucket, key, message.data);
  } catch (error) {
    log.debug({ err: error, bucket, key }, 'the broker could not be asked; what it last said holds');
  } finally {
    if (refreshing.get(name) === asked) refreshing.delete(name);
  }
}

/** Buckets, each with the keys that concern this machine. */
const watchedBy = (pcId: string): [CachedBucket, string][] => [
  [buckets.scriptStatus, '>'],
  [buckets.scriptCurrent, '>'],
  [buckets.agentGroups, pcId],
  [bucketsOnDemand.agentGroupsDerived, pcId],
  [buckets.jobs, '>'],
];

interface CopyOptions {
  readonly bucket: CachedBucket;
  /** Which keys, as a subject: `>` for all. */
  readonly keys: string;
  readonly cache: FleetCache;
  readonly connection: () => NatsConnection | undefined;
  readonly epoch: () => number;
  /** One key changed, or, without one, anything may have. */
  readonly onChange: (key?: string) => void;
  /** The whole bucket was read, or there is no such bucket; in which epoch that began. */
  readonly onRead: (epoch: number) => void;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

function createBucketCopy(options: CopyOptions): { open(connection: NatsConnection): void; read: Repeated } {
  const { bucket, keys, cache, connection, epoch, onRead, log, signal } = options;
  const filter = entrySubject(bucket, keys);
  const keyOf = (subject: string): string => subject.slice(entrySubject(bucket, '').length);
  /** Changes that come while the bucket is being read; they are newer than what is read, so they are applied after it. */
  let held: Msg[] | undefined;

  const apply = ({ subject, data, headers }: Msg): void =>
    isRemoval(headers) ? cache.remove(bucket, keyOf(subject)) : cache.put(bucket, keyOf(subject), data);
  const guarded = (change: () => void, key?: string): void => tryChange(options, change, key);

  async function readAll(): Promise<void> {
    const open = connection();
    if (!open) return;
    const began = epoch();
    held = [];
    const entries = new Map<string, Uint8Array>();
    try {
      await readStream(open, { stream: bucketStream(bucket), filter, from: 'newest', signal }, (message) => {
        if (!isRemoval(message.headers)) entries.set(keyOf(message.subject), message.data.slice());
      });
      guarded(() => cache.replace(bucket, entries));
    } catch (error) {
      if (!isNobodyThere(options, error)) {
        // What was last said holds, and whether somebody says something there is looked at again.
        if (isMissingStream(error)) onRead(began);
        throw error;
      }
      guarded(() => cache.replace(bucket, new Map()));
    } finally {
      const later = held;
      held = undefined;
      for (const message of later) guarded(() => apply(message), keyOf(message.subject));
    }
    onRead(began);
  }

  return {
    open(opened) {
      opened.subscribe(filter, {
        callback: (error, message) => {
          if (error) log.warn({ err: error, bucket }, 'changes of a bucket cannot be followed');
          else if (held) held.push(message);
          else guarded(() => apply(message), keyOf(message.subject));
        },
      });
    },
    read: createRepeated({
      run: readAll,
      onError: (error, failures) =>
        log[failures === 1 ? 'warn' : 'debug'](
          { err: error, bucket },
          'a bucket of the broker could not be read: orders wait for it; trying again',
        ),
      retryMs: limits.readRetryMs,
      signal,
    }),
  };
}

/**
 * Only fleets that derive groups have a bucket for them: without one nothing is derived, and its first entry would come live. A broker
 * whose permissions are from before it keeps it from us: then this machine is in no group that was derived.
 */
function isNobodyThere({ bucket, log }: CopyOptions, error: unknown): boolean {
  if (bucket !== bucketsOnDemand.agentGroupsDerived) return false;
  if (isForbidden(error)) log.warn({ bucket }, 'the broker does not let this machine read its derived groups');
  return isMissingStream(error) || isForbidden(error);
}

function tryChange({ bucket, onChange, log }: CopyOptions, change: () => void, key: string | undefined): void {
  try {
    change();
  } catch (error) {
    log.error({ err: error, bucket }, 'what the fleet says could not be stored; it holds until this agent ends');
  }
  onChange(key);
}

const isForbidden = (error: unknown): boolean =>
  error instanceof Error &&
  (error instanceof PermissionViolationError || error.cause instanceof PermissionViolationError);

/** A key that was deleted or purged is a message too. */
function isRemoval(headers: MsgHdrs | undefined): boolean {
  const operation = headers?.get(removalHeader.name);
  return removalHeader.values.some((value) => value === operation);
}
