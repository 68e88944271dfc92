/**
 * Orders and kills. Live orders come over core subscriptions; what was missed is read after each connect, and again on
 * a slow timer, from a cursor per filter that this machine keeps itself. The admission ledger makes the overlap harmless.
 * This machine subscribes to `kill.>` and never publishes there.
 */
import { anyKill, parseSubject, streams } from '@kanade/shared/fleet-words';
import type { NatsConnection, Subscription } from '@nats-io/transport-node';
import type { Logger } from '../config/logger.ts';
import { limits } from '../limits.ts';
import type { FleetCache } from '../store/fleet-cache.ts';
import { lastSequence, readStream } from './read-stream.ts';
import { createRepeated } from './repeat.ts';

export interface ReceiveOptions {
  readonly cache: FleetCache;
  readonly connection: () => NatsConnection | undefined;
  /** Takes one order. Returns true when it is dealt with for good, false when it must be delivered again. */
  readonly onOrder: (subject: string, bytes: Uint8Array, sequence?: number) => boolean;
  /** The stream of orders was met; its last sequence. */
  readonly onStream: (lastSequence: number) => void;
  readonly onKill: (execId: string) => void;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

export interface Receive {
  /** Subscribes on a new connection. */
  open(connection: NatsConnection): void;
  /** Reads the orders that were missed. */
  online(): void;
  /** The groups of this machine have changed. */
  groupsChanged(): void;
}

export function createReceive(options: ReceiveOptions): Receive {
  const { cache, connection, onOrder, onStream, onKill, log, signal } = options;
  let opened: NatsConnection | undefined;
  const subscriptions = new Map<string, Subscription>();

  const missed = createRepeated({
    run: async () => {
      const open = connection();
      if (!open) return;
      const lastSeq = await lastSequence(open, streams.exec);
      onStream(lastSeq);
      for (const filter of cache.filters()) await readMissed(options, open, { filter, lastSeq });
    },
    onError: (error, failures) =>
      log[failures === 1 ? 'warn' : 'debug']({ err: error }, 'missed orders could not be read; trying again'),
    retryMs: limits.readRetryMs,
    everyMs: limits.lookAgainMs,
    signal,
  });

  /** Subscribes to what is wanted and not there, and drops what is there and not wanted. */
  function align(): void {
    if (!opened) return;
    const wanted = cache.filters();
    for (const [filter, subscription] of subscriptions) {
      if (wanted.includes(filter)) continue;
      subscription.unsubscribe();
      subscriptions.delete(filter);
    }
    for (const filter of wanted) {
      if (subscriptions.has(filter)) continue;
      const callback: NonNullable<Parameters<NatsConnection['subscribe']>[1]>['callback'] = (error, message) => {
        if (error) log.warn({ err: error, filter }, 'orders cannot be followed live; they are read on a timer');
        // Not taken: the cursor still stands before it, so it is read again.
        else if (!onOrder(message.subject, message.data)) missed.kick();
      };
      subscriptions.set(filter, opened.subscribe(filter, { callback }));
    }
  }

  return {
    open(next) {
      opened = next;
      subscriptions.clear();
      align();
      next.subscribe(anyKill, {
        callback: (error, { subject }) => {
          if (error) return log.warn({ err: error }, 'runs cannot be killed by the broker');
          const address = parseSubject(subject);
          if (address?.kind === 'kill') onKill(address.execId);
        },
      });
    },
    online: missed.kick,
    groupsChanged() {
      align();
      missed.kick();
    },
  };
}

async function readMissed(
  { cache, onOrder, signal }: ReceiveOptions,
  open: NatsConnection,
  { filter, lastSeq }: { filter: string; lastSeq: number },
): Promise<void> {
  const cursor = cache.cursor(filter);
  // A cursor beyond the stream's end comes from a stream that was made anew.
  let done = cursor > lastSeq ? 0 : cursor;
  if (done === lastSeq) return;
  try {
    await readStream(open, { stream: streams.exec, filter, after: done, signal }, ({ subject, data, seq }) => {
      if (!onOrder(subject, data, seq)) throw new Error(`order ${seq} on ${subject} could not be taken`);
      done = seq;
    });
    done = Math.max(done, lastSeq);
  } finally {
    if (done !== cursor) cache.setCursor(filter, done);
  }
}
