/**
 * Orders and kills. Live orders come over core subscriptions; what was missed is read after each connect, and again on
 * a slow timer, from a cursor per filter that this machine keeps itself. The admission ledger makes the overlap harmless.
 * None of them is looked at before it is known on this connection what forbids them and to whom they are addressed.
 * This machine subscribes to `kill.>` and never publishes there.
 */

import { anyKill, parseSubject, streams } from '@kanade/shared/fleet-words';
import type { Msg, NatsConnection, Subscription } from '@nats-io/transport-node';
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
  /** What forbids orders is known: looks at those that came meanwhile, and reads those that were missed. */
  current(): void;
  /** The connection went. */
  away(): void;
  /** The groups of this machine have changed. */
  groupsChanged(): void;
}

export function createReceive(options: ReceiveOptions): Receive {
  const { cache, connection, onOrder, onStream, onKill, log, signal } = options;
  let opened: NatsConnection | undefined;
  const subscriptions = new Map<string, Subscription>();
  const early = createEarlyOrders();

  const missed = createRepeated({
    run: async () => {
      const open = connection();
      if (!open || cache.contact !== 'current') return;
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

  function take({ subject, data }: Pick<Msg, 'subject' | 'data'>): void {
    // Not taken: the cursor still stands before it, so it is read again.
    if (!onOrder(subject, data)) missed.kick();
  }

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
        else if (cache.contact !== 'current') early.hold(message);
        else take(message);
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
    current() {
      align();
      for (const message of early.release()) take(message);
      missed.kick();
    },
    away: () => void early.release(), // they are missed orders now
    groupsChanged() {
      align();
      if (cache.contact === 'current') missed.kick();
    },
  };
}

/** Orders that came before it was known what forbids them. What is too much stands in the stream and is read from there. */
function createEarlyOrders() {
  let held: { subject: string; data: Uint8Array }[] = [];
  let bytes = 0;
  return {
    hold({ subject, data }: Msg): void {
      if (held.length >= limits.earlyOrdersMax || bytes + data.length > limits.earlyOrdersBytesMax) return;
      bytes += data.length;
      held.push({ subject, data: data.slice() });
    },
    release() {
      const released = held;
      held = [];
      bytes = 0;
      return released;
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
