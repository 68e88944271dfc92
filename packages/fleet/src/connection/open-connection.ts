import { type ConnectionOptions, connect, type NatsConnection, TimeoutError } from '@nats-io/transport-node';
import { certificateFault, dialFault } from '../fault/dial-fault.ts';
import type { FleetError } from '../fault/fleet-error.ts';
import type { BrokerAccess } from './broker-access.ts';
import { peekBroker } from './peek-broker.ts';

/** How long one attempt to connect to one server may take, in ms. */
export const connectTimeoutMsDefault = 5_000;
/** How often the broker is asked for a sign of life, in ms; two that stay away are a lost connection. */
const pingEveryMs = 15_000;

export interface OpenConnectionOptions {
  /** How the connection is called in the broker's lists, for example `kanade-agent-pc-1`. */
  readonly name: string;
  /** Pause before the next attempt to come back, in ms. Depends on nothing but the time: it is asked several times each. */
  readonly pauseMs: () => number;
  /** Default {@link connectTimeoutMsDefault}. */
  readonly timeoutMs?: number | undefined;
  /** Default 15 s. */
  readonly pingEveryMs?: number | undefined;
}

/**
 * Connects to the first server that takes us. A connection that is lost later is rebuilt for ever, at any of the servers and
 * of those that they name. Throws FleetError, for which see `dialFault`.
 */
export async function openConnection(access: BrokerAccess, options: OpenConnectionOptions): Promise<NatsConnection> {
  const settings: ConnectionOptions = {
    ...access.toOptions(),
    name: options.name,
    timeout: options.timeoutMs ?? connectTimeoutMsDefault,
    maxReconnectAttempts: -1,
    reconnectDelayHandler: options.pauseMs,
    // Credentials may be corrected on the server; giving up would leave the machine alone for ever.
    ignoreAuthErrorAbort: true,
    pingInterval: options.pingEveryMs ?? pingEveryMs,
    maxPingOut: 2,
  };
  try {
    return await connect(settings);
  } catch (error) {
    throw (await missingCertificate(error, access, settings)) ?? connectionFault(error, access);
  }
}

/** With TLS 1.3 a broker that misses our certificate only falls silent; its greeting tells. */
async function missingCertificate(
  error: unknown,
  { servers }: BrokerAccess,
  { tls }: ConnectionOptions,
): Promise<FleetError | undefined> {
  if (!(error instanceof TimeoutError) || tls?.cert) return undefined;
  for (const server of servers) {
    if ((await peekBroker(server, connectTimeoutMsDefault))?.wantsCertificate) return certificateFault(server);
  }
  return undefined;
}

/** What is wrong with a connection, in words for a person, and no secret. */
export const connectionFault = (error: unknown, { servers }: BrokerAccess): FleetError =>
  dialFault(error, servers.join(', '));
