/**
 * Orders and kills. Live orders come over core subscriptions; what was missed is read after each connect, and again on
 * a slow timer, from a cursor per filter that this machine keeps itself. The admission ledger makes the overlap harmless.
 * None of them is looked at before it is known on this connection what forbids them and to whom they are addressed.
 * This machine subscribes to `kill.>` and never publishes there.
 */

import { anyKill, parseSubject, signatureHeaders, streams } from '@kanade/shared/fleet-words';
import type { Msg, NatsConnection, Subscription } from '@nats-io/transport-node';
import type { Logger } from '../config/logger.ts';
import { limits } from '../limits.ts';
import type { Delivery } from '../run/model.ts';
import type { FleetCache } from '../store/fleet-cache.ts';
import { lookAtStream, readStream, type StreamLook } from './connect.ts';
import { createRepeated } from './repeat.ts';

export interface ReceiveOptions {
  readonly cache: FleetCache;
  readonly connection: () => NatsConnection | undefined;
  /** Takes orders. Returns true when all are dealt with for good, false when one must be delivered again. */
  readonly onOrders: (deliveries: readonly Delivery[]) => boolean;
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
  const { cache, connection, onOrders, onStream, onKill, log, signal } = options;
  const early = createEarlyOrders();

  const missed = createRepeated({
    run: async () => {
      const open = connection();
      if (!open || cache.contact !== 'current') return;
      const exec = await lookAtStream(open, streams.exec);
      onStream(exec.lastSeq);
      for (const filter of cache.filters()) await readMissed(options, open, { filter, exec });
    },
    onError: (error, failures) =>
      log[failures === 1 ? 'warn' : 'debug']({ err: error }, 'missed orders could not be read; trying again'),
    retryMs: limits.readRetryMs,
    everyMs: limits.lookAgainMs,
    signal,
  });

  const arrived = createArrivals((deliveries) => {
    // Not taken: the cursor still stands before it, so it is read again.
    if (!onOrders(deliveries)) missed.kick();
  });

  const ears = createEars(options, (message) => {
    if (cache.contact !== 'current') early.hold(message);
    else arrived.add(deliveryOf(message));
  });

  return {
    open(next) {
      ears.open(next);
      next.subscribe(anyKill, {
        callback: (error, { subject }) => {
          if (error) return log.warn({ err: error }, 'runs cannot be killed by the broker');
          arrived.take(); // it may be one of those
          const address = parseSubject(subject);
          if (address?.kind === 'kill') onKill(address.execId);
        },
      });
    },
    current() {
      ears.align();
      for (const delivery of early.release()) arrived.add(delivery);
      missed.kick();
    },
    away: () => void early.release(), // they are missed orders now
    groupsChanged() {
      ears.align();
      if (cache.contact === 'current') missed.kick();
    },
  };
}

/** What the connection brings in one piece is taken together, still within that turn. */
function createArrivals(onTaken: (deliveries: readonly Delivery[]) => void) {
  let waiting: Delivery[] = [];
  function take(): void {
    const deliveries = waiting;
    waiting = [];
    if (deliveries.length > 0) onTaken(deliveries);
  }
  return {
    add(delivery: Delivery): void {
      if (waiting.push(delivery) === 1) queueMicrotask(take);
    },
    take,
  };
}

/** The live subscriptions, one for each filter. */
function createEars({ cache, log }: ReceiveOptions, onMessage: (message: Msg) => void) {
  let opened: NatsConnection | undefined;
  const subscriptions = new Map<string, Subscription>();

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
        else onMessage(message);
      };
      subscriptions.set(filter, opened.subscribe(filter, { callback }));
    }
  }

  return {
    align,
    open(next: NatsConnection): void {
      opened = next;
      subscriptions.clear();
      align();
    },
  };
}

/** Orders that came before it was known what forbids them. What is too much stands in the stream and is read from there. */
function createEarlyOrders() {
  let held: Delivery[] = [];
  let bytes = 0;
  return {
    hold(message: Msg): void {
      if (held.length >= limits.earlyOrdersMax || bytes + message.data.length > limits.earlyOrdersBytesMax) return;
      bytes += message.data.length;
      held.push({ ...deliveryOf(message), bytes: message.data.slice() });
    },
    release(): Delivery[] {
      const released = held;
      held = [];
      bytes = 0;
      return released;
    },
  };
}

/** An order as it travels. Only headers that say something about it are kept. */
function deliveryOf(
  { subject, data, headers }: Pick<Msg, 'subject' | 'data' | 'headers'>,
  sequence?: number,
): Delivery {
  const kept: Record<string, string> = {};
  for (const name of Object.values(signatureHeaders)) if (headers?.has(name)) kept[name] = headers.get(name);
  return { subject, bytes: data, headers: kept, sequence };
}

async function readMissed(
  { cache, onOrders, signal }: ReceiveOptions,
  open: NatsConnection,
  { filter, exec }: { filter: string; exec: StreamLook },
): Promise<void> {
  const { lastSeq, identity } = exec;
  const cursor = cache.cursor(filter, identity);
  // A cursor of another stream, or beyond the end of one that was rolled back, says nothing: the ledger knows what ran.
  let done = cursor === undefined || cursor > lastSeq ? 0 : cursor;
  if (done === lastSeq && done === cursor) return;
  try {
    await readStream(open, { stream: streams.exec, filter, from: done + 1, signal }, (message) => {
      if (!onOrders([deliveryOf(message, message.seq)]))
        throw new Error(`order ${message.seq} on ${message.subject} could not be taken`);
      done = message.seq;
    });
    done = Math.max(done, lastSeq);
  } finally {
    if (done !== cursor) cache.setCursor(filter, identity, done);
  }
}
