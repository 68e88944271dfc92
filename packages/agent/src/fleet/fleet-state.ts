/**
 * What the fleet says about jobs, approvals and groups: core subscriptions on the buckets' own subjects, and a read of
 * the whole bucket after each connect. No standing consumer, nothing to pay for a machine that is off.
 */
import { bucketStream, buckets, entrySubject, isToken, removalHeader } from '@kanade/shared/fleet-words';
import { jetstreamManager } from '@nats-io/jetstream';
import type { Msg, MsgHdrs, NatsConnection } from '@nats-io/transport-node';
import type { Logger } from '../config/logger.ts';
import { limits } from '../limits.ts';
import type { CachedBucket, FleetCache } from '../store/fleet-cache.ts';
import { readStream } from './read-stream.ts';
import { createRepeated, type Repeated } from './repeat.ts';

export interface FleetState {
  /** Subscribes on a new connection. */
  open(connection: NatsConnection): void;
  /** Reads everything once more. */
  online(): void;
  /** Brings one entry up to date, if the broker answers in time. Never rejects. */
  refresh(bucket: CachedBucket, key: string): Promise<void>;
}

export interface FleetStateOptions {
  readonly pcId: string;
  readonly cache: FleetCache;
  readonly connection: () => NatsConnection | undefined;
  readonly onGroups: () => void;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

export function createFleetState(options: FleetStateOptions): FleetState {
  const { pcId, cache, connection, onGroups, log, signal } = options;
  const watched: [CachedBucket, string][] = [
    [buckets.jobs, '>'],
    [buckets.scriptStatus, '>'],
    [buckets.scriptCurrent, '>'],
    [buckets.agentGroups, pcId],
  ];
  const unread = new Set(watched.map(([bucket]) => bucket));
  const copies = watched.map(([bucket, keys]) => {
    const onChange = bucket === buckets.agentGroups ? onGroups : () => undefined;
    const onRead = (): void => {
      unread.delete(bucket);
      if (unread.size === 0) cache.setHeard();
    };
    return createBucketCopy({ bucket, keys, cache, connection, onChange, onRead, log, signal });
  });
  return {
    open: (opened) => {
      for (const copy of copies) copy.open(opened);
    },
    online: () => {
      for (const copy of copies) copy.read.kick();
    },
    async refresh(bucket, key) {
      const open = connection();
      if (!open || !isToken(key)) return;
      try {
        const manager = await jetstreamManager(open, { timeout: limits.freshManifestMs, checkAPI: false });
        const message = await manager.streams.getMessage(bucketStream(bucket), {
          last_by_subj: entrySubject(bucket, key),
        });
        if (!message || isRemoval(message.header)) cache.remove(bucket, key);
        else cache.put(bucket, key, message.data);
      } catch (error) {
        log.debug({ err: error, bucket, key }, 'the broker could not be asked; what it last said holds');
      }
    },
  };
}

interface CopyOptions {
  readonly bucket: CachedBucket;
  /** Which keys, as a subject: `>` for all. */
  readonly keys: string;
  readonly cache: FleetCache;
  readonly connection: () => NatsConnection | undefined;
  readonly onChange: () => void;
  /** The whole bucket was read and stored. */
  readonly onRead: () => void;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

function createBucketCopy(options: CopyOptions): { open(connection: NatsConnection): void; read: Repeated } {
  const { bucket, keys, cache, connection, onRead, log, signal } = options;
  const filter = entrySubject(bucket, keys);
  const keyOf = (subject: string): string => subject.slice(entrySubject(bucket, '').length);
  /** Changes that come while the bucket is being read; they are newer than what is read, so they are applied after it. */
  let held: Msg[] | undefined;

  function apply({ subject, data, headers }: Msg): void {
    const key = keyOf(subject);
    if (isRemoval(headers)) cache.remove(bucket, key);
    else cache.put(bucket, key, data);
  }

  const guarded = (change: () => void): void => tryChange(options, change);

  async function readAll(): Promise<void> {
    const open = connection();
    if (!open) return;
    held = [];
    const entries = new Map<string, Uint8Array>();
    try {
      await readStream(open, { stream: bucketStream(bucket), filter, after: 'newest', signal }, (message) => {
        if (!isRemoval(message.headers)) entries.set(keyOf(message.subject), message.data.slice());
      });
      guarded(() => cache.replace(bucket, entries));
    } finally {
      const later = held;
      held = undefined;
      for (const message of later) guarded(() => apply(message));
    }
    onRead();
  }

  return {
    open(opened) {
      opened.subscribe(filter, {
        callback: (error, message) => {
          if (error) log.warn({ err: error, bucket }, 'changes of a bucket cannot be followed');
          else if (held) held.push(message);
          else guarded(() => apply(message));
        },
      });
    },
    read: createRepeated({
      run: readAll,
      onError: (error, failures) =>
        log[failures === 1 ? 'warn' : 'debug'](
          { err: error, bucket },
          'a bucket of the broker could not be read; trying again',
        ),
      retryMs: limits.readRetryMs,
      signal,
    }),
  };
}

function tryChange({ bucket, onChange, log }: CopyOptions, change: () => void): void {
  try {
    change();
    onChange();
  } catch (error) {
    log.error({ err: error, bucket }, 'what the fleet says could not be stored; it is read again at the next connect');
  }
}

/** A key that was deleted or purged is a message too. */
function isRemoval(headers: MsgHdrs | undefined): boolean {
  const operation = headers?.get(removalHeader.name);
  return removalHeader.values.some((value) => value === operation);
}
