import { setTimeout as sleep } from 'node:timers/promises';
import {
  type BrokerAccess,
  connectionFault,
  FleetError,
  type HeldRead,
  openConnection,
  readHeld,
  weaknessesOf,
} from '@kanade/fleet/connection';
import { type JsMsg, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { Logger } from '../config/logger.ts';
import { limits } from '../limits.ts';

/** How the agent stands with its broker. Being away is a state, not an error. */
export type BrokerState =
  | { readonly kind: 'connected'; readonly server: string }
  /** `sinceMs` (milliseconds since 1970) is absent when there was no connection yet. */
  | { readonly kind: 'away'; readonly sinceMs?: number }
  /** No broker was configured. */
  | { readonly kind: 'none' };

export interface Broker extends AsyncDisposable {
  readonly state: BrokerState;
  /** The connection while it is up. */
  readonly connection: NatsConnection | undefined;
}

export interface BrokerOptions {
  /** How the broker is reached; undefined = there is none. */
  readonly access: BrokerAccess | undefined;
  /** How the connection is called in the broker's lists. */
  readonly name: string;
  /** A connection was made: subscribe here. Its subscriptions survive reconnects. */
  readonly onOpen: (connection: NatsConnection) => void;
  /** The connection is up, for the first time or again: read here what was missed. */
  readonly onOnline: (connection: NatsConnection) => void;
  readonly onState: (state: BrokerState) => void;
  readonly log: Logger;
}

/** Connects in the background and stays connected until disposed of, however long that takes. Without a broker it does nothing. */
export function createBroker(options: BrokerOptions): Broker {
  const { log } = options;
  const closing = new AbortController();
  let connection: NatsConnection | undefined;
  let lostMs = performance.now();
  const pause = (): number => reconnectPauseMs(performance.now() - lostMs, Math.random());
  const { access } = options;
  let state: BrokerState = access ? { kind: 'away' } : { kind: 'none' };

  function enter(next: BrokerState): void {
    if (next.kind === state.kind) return;
    state = next;
    if (next.kind === 'away') lostMs = performance.now();
    log.info({ broker: next }, next.kind === 'connected' ? 'connected to the broker' : 'the broker is away');
    options.onState(next);
  }

  const goOnline = (open: NatsConnection): void => {
    enter({ kind: 'connected', server: open.getServer() });
    options.onOnline(open);
  };

  const keeping: Keeping = {
    pause,
    hold(next) {
      connection = next;
    },
    enter,
    goOnline,
    signal: closing.signal,
  };
  const supervised = access ? keepConnected(access, options, keeping) : Promise.resolve();
  return {
    get state() {
      return state;
    },
    get connection() {
      return state.kind === 'connected' ? connection : undefined;
    },
    async [Symbol.asyncDispose]() {
      closing.abort(new Error('the agent ends'));
      // Away by now: nothing left to send. One that stands still keeps nobody: what it has not confirmed is on disk.
      const flushed = state.kind === 'connected' ? connection?.flush().catch(() => undefined) : undefined;
      await Promise.race([flushed, sleep(limits.closeConnectionsMs, undefined, { ref: false })]);
      await connection?.close();
      await supervised;
    },
  };
}

/** Who waits for an answer on a connection. */
const waiting = new WeakMap<NatsConnection, Set<(reason: Error) => void>>();

function onGone(connection: NatsConnection, giveUp: (reason: Error) => void): Disposable {
  const all = waiting.get(connection) ?? new Set();
  waiting.set(connection, all.add(giveUp));
  return { [Symbol.dispose]: () => void all.delete(giveUp) };
}

/** Watches a connection: `gone` fires when it goes, and not again when it comes back. */
export function watchConnection(connection: NatsConnection): Disposable & { readonly gone: AbortSignal } {
  const going = new AbortController();
  const watching = onGone(connection, (reason) => going.abort(reason));
  return { ...watching, gone: going.signal };
}

/** Waits for the answer to a request on a connection. Rejects when that goes, before the request's time is over: no answer can come any more. */
export async function whileConnected<T>(connection: NatsConnection, request: Promise<T>): Promise<T> {
  const gone = Promise.withResolvers<never>();
  using _ = onGone(connection, gone.reject);
  return await Promise.race([request, gone.promise]);
}

/**
 * Reads what a stream holds right now, in order; what comes meanwhile comes live. Rejects when it could not be read to the end, at
 * once when the connection goes; `onMessage` may have seen a part of it then.
 */
export async function readStream(
  connection: NatsConnection,
  read: HeldRead,
  onMessage: (message: JsMsg) => void,
): Promise<void> {
  let isOver = false;
  const readAll = async (): Promise<void> => {
    for await (const message of readHeld({ connection }, read)) {
      if (isOver) return; // what still comes to a read that was given up is read again
      onMessage(message);
    }
  };
  try {
    await whileConnected(connection, readAll());
  } finally {
    isOver = true;
  }
}

export interface StreamLook {
  readonly lastSeq: number;
  /**
   * Tells a stream from another of its name: one made anew, that of another broker, or what a server that was started again has
   * found of it on its disk. A crash may have cost it the end of what it had, and what came since stands in those places.
   */
  readonly identity: string;
  /** The first half of that: when the stream was made, in the broker's words. */
  readonly created: string;
  /** How many messages it holds. */
  readonly messages: number;
  /** The subjects below the filter that was asked for which have messages. */
  readonly subjects: readonly string[];
  /** How long the broker knows the ids of what it was given, in ms. */
  readonly knownIdsMs: number;
  /** What it and its server could do better. */
  readonly weaknesses: readonly string[];
  /** It is held by several servers: which of them may have lost something is not told. */
  readonly isShared: boolean;
}

export async function lookAtStream(connection: NatsConnection, stream: string, subjects?: string): Promise<StreamLook> {
  const manager = await jetstreamManager(connection, { timeout: limits.requestTimeoutMs, checkAPI: false });
  const { state, created, config } = await whileConnected(
    connection,
    manager.streams.info(stream, subjects === undefined ? {} : { subjects_filter: subjects }),
  );
  return {
    lastSeq: state.last_seq,
    identity: `${created} ${connection.info?.server_id ?? ''}`,
    created,
    messages: state.messages,
    subjects: Object.keys(state.subjects ?? {}),
    weaknesses: weaknessesOf(connection.info?.version ?? '', config),
    knownIdsMs: config.duplicate_window / 1e6,
    isShared: connection.info?.cluster !== undefined,
  };
}

interface Keeping {
  /** Wait before the next attempt, in ms. */
  readonly pause: () => number;
  readonly hold: (connection: NatsConnection | undefined) => void;
  readonly enter: (state: BrokerState) => void;
  readonly goOnline: (connection: NatsConnection) => void;
  readonly signal: AbortSignal;
}

/** Connects, follows the connection to its end, and begins again, until the signal fires. */
async function keepConnected(access: BrokerAccess, options: BrokerOptions, keeping: Keeping): Promise<void> {
  const { pause, hold, signal } = keeping;
  const { name, log } = options;
  let said = '';
  while (!signal.aborted) {
    try {
      const connection = await openConnection(access, { name, pauseMs: pause, timeoutMs: limits.connectTimeoutMs });
      hold(connection);
      said = '';
      if (signal.aborted) await connection.close();
      else await follow(access, options, connection, keeping);
    } catch (error) {
      // One clear sentence for each reason; a fleet that is away for a night must not fill the disks of its machines.
      const { code, message } = connectionFault(error, access);
      log[said === message ? 'debug' : 'warn'](
        { code, reason: message },
        'the broker cannot be reached; trying again for ever',
      );
      said = message;
    } finally {
      hold(undefined);
    }
    await sleep(pause(), undefined, { signal }).catch(() => {
      // Only disposal aborts this wait; the loop's condition sees it.
    });
  }
}

async function follow(
  access: BrokerAccess,
  { onOpen, log }: BrokerOptions,
  open: NatsConnection,
  { enter, goOnline }: Keeping,
): Promise<void> {
  try {
    onOpen(open);
    goOnline(open);
  } catch (error) {
    await open.close(); // nobody else would, and a second one is made
    throw error;
  }
  let said = '';
  for await (const status of open.status()) {
    if (status.type === 'disconnect') {
      enter({ kind: 'away', sinceMs: Date.now() });
      for (const giveUp of waiting.get(open) ?? [])
        giveUp(new FleetError('broker_unreachable', 'the connection to the broker went'));
    }
    if (status.type === 'reconnect') {
      said = '';
      goOnline(open);
    }
    if (status.type === 'error') {
      // Refused credentials are told again at each attempt to come back.
      const { message } = connectionFault(status.error, access);
      log[said === message ? 'debug' : 'warn']({ reason: status.error.message }, 'the broker reports an error');
      said = message;
    }
  }
  const error = await open.closed();
  enter({ kind: 'away', sinceMs: Date.now() });
  if (error) log.warn({ reason: error.message }, 'the connection to the broker was closed');
}

/**
 * Pause before the next attempt, in ms, after so long without a connection: a quarter of that time within bounds.
 * `random` in [0, 1) spreads a fleet over twice the pause. Depends on nothing else, because the client asks several
 * times before each attempt.
 */
export function reconnectPauseMs(awayMs: number, random: number): number {
  const base = Math.min(Math.max(awayMs / 4, limits.reconnectFirstMs), limits.reconnectMaxMs);
  return Math.round(base * (1 + random));
}
