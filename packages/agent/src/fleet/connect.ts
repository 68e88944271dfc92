import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type NatsConnection } from '@nats-io/transport-node';
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
  readonly servers: readonly string[];
  readonly token: string | undefined;
  /** How the connection is called in the broker's lists. */
  readonly name: string;
  /** A connection was made: subscribe here. Its subscriptions survive reconnects. */
  readonly onOpen: (connection: NatsConnection) => void;
  /** The connection is up, for the first time or again: read here what was missed. */
  readonly onOnline: (connection: NatsConnection) => void;
  readonly onState: (state: BrokerState) => void;
  readonly log: Logger;
}

/** Connects in the background and stays connected until disposed of, however long that takes. Without servers it does nothing. */
export function createBroker(options: BrokerOptions): Broker {
  const { log } = options;
  const closing = new AbortController();
  let connection: NatsConnection | undefined;
  let lostMs = performance.now();
  const pause = (): number => reconnectPauseMs(performance.now() - lostMs, Math.random());
  let state: BrokerState = options.servers.length === 0 ? { kind: 'none' } : { kind: 'away' };

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

  const supervised =
    options.servers.length === 0
      ? Promise.resolve()
      : keepConnected(options, {
          pause,
          hold(next) {
            connection = next;
          },
          enter,
          goOnline,
          signal: closing.signal,
        });
  return {
    get state() {
      return state;
    },
    get connection() {
      return state.kind === 'connected' ? connection : undefined;
    },
    async [Symbol.asyncDispose]() {
      closing.abort(new Error('the agent ends'));
      if (state.kind === 'connected') await connection?.flush().catch(() => undefined); // away by now: nothing left to send
      await connection?.close();
      await supervised;
    },
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
async function keepConnected(options: BrokerOptions, keeping: Keeping): Promise<void> {
  const { pause, hold, signal } = keeping;
  for (let failures = 0; !signal.aborted; ) {
    try {
      const connection = await dial(options, pause);
      hold(connection);
      failures = 0;
      if (signal.aborted) await connection.close();
      else await follow(options, connection, keeping);
    } catch (error) {
      failures++;
      const level = failures === 1 ? 'warn' : 'debug';
      options.log[level](
        { err: error, servers: options.servers },
        'the broker cannot be reached; trying again for ever',
      );
    } finally {
      hold(undefined);
    }
    await sleep(pause(), undefined, { signal }).catch(() => {
      // Only disposal aborts this wait; the loop's condition sees it.
    });
  }
}

async function follow(
  { onOpen, log }: BrokerOptions,
  open: NatsConnection,
  { enter, goOnline }: Keeping,
): Promise<void> {
  onOpen(open);
  goOnline(open);
  for await (const status of open.status()) {
    if (status.type === 'disconnect') enter({ kind: 'away', sinceMs: Date.now() });
    if (status.type === 'reconnect') goOnline(open);
    if (status.type === 'error') log.warn({ err: status.error }, 'the broker reports an error');
  }
  const error = await open.closed();
  enter({ kind: 'away', sinceMs: Date.now() });
  if (error) log.warn({ err: error }, 'the connection to the broker was closed');
}

function dial({ servers, token, name }: BrokerOptions, pause: () => number): Promise<NatsConnection> {
  return connect({
    servers: [...servers],
    ...(token === undefined ? {} : { token }),
    name,
    timeout: limits.connectTimeoutMs,
    maxReconnectAttempts: -1,
    reconnectDelayHandler: pause,
    // Credentials may be corrected on the server; giving up would leave the machine alone for ever.
    ignoreAuthErrorAbort: true,
    pingInterval: 15_000,
    maxPingOut: 2,
  });
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
