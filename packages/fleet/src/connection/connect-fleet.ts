import { type JetStreamClient, jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { abortable } from '../fault/abortable.ts';
import { translate } from '../fault/translate.ts';
import { type BrokerAccess, literalAccess } from './broker-access.ts';
import { openConnection } from './open-connection.ts';

/** How long one request to the broker may take, in ms. */
export const requestTimeoutMsDefault = 5_000;
/** Pause between attempts to reconnect, in ms, plus a random part of up to the same length. */
const reconnectPauseMs = 250;

export interface FleetOptions {
  /** One or more addresses, for example `nats://127.0.0.1:4222`; or how a broker is reached, from `readBrokerAccess`. */
  readonly servers: string | readonly string[] | BrokerAccess;
  /** How the connection is called in the broker's lists, for example `kanade-cli`. */
  readonly name: string;
  readonly token?: string | undefined;
  readonly user?: string;
  readonly password?: string;
  /** How long one attempt to connect may take, in ms; default 5,000. */
  readonly connectTimeoutMs?: number;
  /** How often the broker is asked for a sign of life, in ms; default 15,000. */
  readonly pingEveryMs?: number;
  readonly signal?: AbortSignal;
}

/** An operator's connection to the broker. Disposing of it sends what was published and closes it. */
export interface Fleet extends AsyncDisposable {
  readonly connection: NatsConnection;
  readonly jetstream: JetStreamClient;
  /** Version of the broker, for example `2.15.2`. */
  readonly serverVersion: string;
}

/**
 * Connects to the broker. A connection that is lost later is rebuilt for ever. Throws FleetError `broker_unreachable`
 * when nothing answers there, `broker_refused` when it wants other credentials, and others that the README lists.
 */
export async function connectFleet(options: FleetOptions): Promise<Fleet> {
  const { servers, name, token, user, password, signal } = options;
  const login = {
    ...(token === undefined ? {} : { token }),
    ...(user === undefined ? {} : { user, password: password ?? '' }),
  };
  const access = isAccess(servers) ? servers : literalAccess(servers, login);
  const connecting = openConnection(access, {
    name,
    pauseMs: () => Math.round(reconnectPauseMs * (1 + Math.random())),
    timeoutMs: options.connectTimeoutMs,
    pingEveryMs: options.pingEveryMs,
  });
  try {
    return asFleet(await abortable(connecting, signal));
  } catch (error) {
    // An abort must not leave a connection behind that nobody holds.
    void connecting.then(
      (late) => late.close(),
      () => {},
    );
    throw translate(error, `connecting to ${access.servers.join(', ')}`, signal);
  }
}

const isAccess = (servers: FleetOptions['servers']): servers is BrokerAccess =>
  typeof servers === 'object' && 'toOptions' in servers;

function asFleet(connection: NatsConnection): Fleet {
  let closing: Promise<void> | undefined;
  return {
    connection,
    jetstream: jetstream(connection, { timeout: requestTimeoutMsDefault }),
    serverVersion: connection.info?.version ?? 'unknown',
    [Symbol.asyncDispose]: () => {
      // Draining needs the broker; without one there is nothing left to send that could arrive.
      closing ??= connection.drain().catch(() => connection.close());
      return closing;
    },
  };
}
