/**
 * The copy of one bucket: core subscriptions on its entries, and a read after each connect. Changes that come while it is being
 * read are newer than what is read, so they are applied behind it.
 */
import { isMissingStream } from '@kanade/fleet/connection';
import { entrySubject, removalHeader } from '@kanade/shared/fleet-words';
import { type Msg, type MsgHdrs, type NatsConnection, PermissionViolationError } from '@nats-io/transport-node';
import type { Logger } from '../config/logger.ts';
import { limits } from '../limits.ts';
import type { CachedBucket, FleetCache } from '../store/fleet-cache.ts';
import { createRepeated, type Repeated } from './repeat.ts';

export interface BucketCopy {
  /** A connection was made. */
  open(connection: NatsConnection): void;
  readonly read: Repeated;
}

export interface CopyOptions {
  readonly bucket: CachedBucket;
  /** Which keys concern this machine, as subjects: `>` for all. */
  readonly keys: () => readonly string[];
  /** Whether the broker is asked for something before anything is followed there: `readNow` says when to follow. */
  readonly isAskedFirst?: boolean;
  /** Reads the bucket and keeps what it says. Rejects when it could not be read. */
  readonly readNow: (open: NatsConnection, follow: () => void) => Promise<void>;
  /** False for an entry that cannot be meant: what was said before holds. */
  readonly isFit?: (key: string, value: Uint8Array) => boolean;
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

export function createBucketCopy(options: CopyOptions): BucketCopy {
  const { bucket, cache, connection, epoch, onRead, log, signal, isFit = () => true } = options;
  let held: Msg[] | undefined;

  const apply = ({ subject, data, headers }: Msg): void => {
    const key = keyOf(bucket, subject);
    if (isRemoval(headers)) cache.remove(bucket, key);
    else if (isFit(key, data)) cache.put(bucket, key, { value: data });
  };
  const applied = (message: Msg): void => guarded(options, () => apply(message), keyOf(bucket, message.subject));
  const ears = createEntryEars(options, (message) => {
    if (held) held.push(message);
    else applied(message);
  });

  async function readAll(): Promise<void> {
    const open = connection();
    if (!open) return;
    const began = epoch();
    held = [];
    try {
      await options.readNow(open, ears.align);
    } catch (error) {
      // What was last said holds, and whether somebody says something there is looked at again.
      if (isMissingStream(error)) onRead(began);
      throw error;
    } finally {
      const later = held;
      held = undefined;
      for (const message of later) applied(message);
    }
    onRead(began);
  }

  return {
    open(opened) {
      ears.open(opened);
      if (!options.isAskedFirst) ears.align();
    },
    read: createRepeated({
      run: readAll,
      onError: (error, failures) =>
        log[failures === 1 ? 'warn' : 'debug'](
          { err: error, bucket },
          'a bucket of the broker could not be read: what it decides waits for it; trying again',
        ),
      retryMs: limits.readRetryMs,
      signal,
    }),
  };
}

/** The live subscriptions, one for each key that concerns this machine. */
function createEntryEars({ bucket, keys, log }: CopyOptions, onMessage: (message: Msg) => void) {
  let opened: NatsConnection | undefined;
  const subscriptions = new Map<string, { unsubscribe(): void }>();
  return {
    open(next: NatsConnection): void {
      opened = next;
      subscriptions.clear();
    },
    align(): void {
      const wanted = new Set(keys());
      for (const [key, subscription] of subscriptions) {
        if (wanted.has(key)) continue;
        subscription.unsubscribe();
        subscriptions.delete(key);
      }
      for (const key of wanted) {
        if (subscriptions.has(key) || !opened) continue;
        const subscription = opened.subscribe(entrySubject(bucket, key), {
          callback: (error, message) => {
            if (error) log.warn({ err: error, bucket, key }, 'changes of a bucket cannot be followed');
            else onMessage(message);
          },
        });
        subscriptions.set(key, subscription);
      }
    },
  };
}

/** Changes the copy; what cannot be stored holds in memory where it is needed there. */
export function guarded({ bucket, onChange, log }: GuardOptions, change: () => void, key: string | undefined): void {
  try {
    change();
  } catch (error) {
    log.error({ err: error, bucket }, 'what the fleet says could not be stored; it holds until this agent ends');
  }
  onChange(key);
}

type GuardOptions = Pick<CopyOptions, 'bucket' | 'onChange' | 'log'>;

export const keyOf = (bucket: string, subject: string): string => subject.slice(entrySubject(bucket, '').length);

export const isRemoval = (headers: MsgHdrs | undefined): boolean =>
  (removalHeader.values as readonly string[]).includes(headers?.get(removalHeader.name) ?? '');

export const isForbidden = (error: unknown): boolean =>
  error instanceof Error &&
  (error instanceof PermissionViolationError || error.cause instanceof PermissionViolationError);
