import { type JetStreamClient, jetstream } from '@nats-io/jetstream';
import { AuthorizationError, connect, type NatsConnection } from '@nats-io/transport-node';
import { abortable } from '../fault/abortable.ts';
import { FleetError } from '../fault/fleet-error.ts';
import { translate } from '../fault/translate.ts';

/** How long the first connection to one server may take, in ms. */
export const connectTimeoutMsDefault = 5_000;
/** How long one request to the broker may take, in ms. */
export const requestTimeoutMsDefault = 5_000;
/** Pause between attempts to reconnect, in ms, plus a random part of up to the same length. */
const reconnectPauseMs = 250;

export interface FleetOptions {
  /** One or more addresses, for example `nats://127.0.0.1:4222`. */
  readonly servers: string | readonly string[];
  /** How the connection is called in the broker's lists, for example `kanade-cli`. */
  readonly name: string;
  readonly token?: string;
  readonly user?: string;
  readonly pass?: string;
  /** Default {@link connectTimeoutMsDefault}. */
  readonly connectTimeoutMs?: number;
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
 * when nothing answers there, `broker_refused` when it wants other credentials.
 */
export async function connectFleet(options: FleetOptions): Promise<Fleet> {
  const servers = typeof options.servers === 'string' ? [options.servers] : [...options.servers];
  const connecting = dial(servers, options);
  try {
    const connection = await abortable(connecting, options.signal);
    return asFleet(connection);
  } catch (error) {
    // An abort must not leave a connection behind that nobody holds.
    void connecting.then(
      (late) => late.close(),
      () => {},
    );
    throw translate(error, `connecting to ${addresses(servers)}`, options.signal);
  }
}

async function dial(servers: string[], options: FleetOptions): Promise<NatsConnection> {
  try {
    return await connect({
      servers,
      name: options.name,
      token: options.token,
      user: options.user,
      pass: options.pass,
      timeout: options.connectTimeoutMs ?? connectTimeoutMsDefault,
      maxReconnectAttempts: -1,
      reconnectTimeWait: reconnectPauseMs,
      reconnectJitter: reconnectPauseMs,
    });
  } catch (error) {
    if (error instanceof AuthorizationError) throw error;
    // Whatever else keeps a first connection from coming about, there is no broker at that address.
    const said = error instanceof Error ? error.message : String(error);
    const advice = 'check the address and that a nats-server listens there';
    throw new FleetError('broker_unreachable', `connecting to ${addresses(servers)} failed: ${said}; ${advice}`, {
      cause: error,
    });
  }
}

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

/** The addresses without user, password or token. */
function addresses(servers: readonly string[]): string {
  return servers.map((server) => server.replace(/\/\/[^/@]*@/, '//')).join(', ');
}
