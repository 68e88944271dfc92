/** The broker of a call, and a connection to it. NATS is loaded when a command really connects. */
import type { Fleet } from '@kanade/fleet';
import { type Context, UsageError } from '../../call/command.ts';

/** Longest wait that may be asked for, in seconds: a week, the age that orders reach on the broker. */
const secondsMax = 604_800;

const serverDefault = 'nats://127.0.0.1:4222';

/** The library of a connection, and the connection. */
export type Connected = typeof import('./library.ts') & { readonly fleet: Fleet };

/** Connects, hands the connection over and closes it afterwards. Throws FleetError. */
export async function withFleet<T>(context: Context, use: (connected: Connected) => Promise<T>): Promise<T> {
  const server = serverIn(context);
  const { env, signal } = context.io;
  const library = await import('./library.ts');
  const token = env.KANADE_NATS_TOKEN || undefined;
  await using fleet = await library.connectFleet({ servers: server, name: 'kanade-cli', token, signal });
  return await use({ ...library, fleet });
}

/** Address of the broker, without a user or token that stands in it. */
export const shownServer = (context: Context): string => serverIn(context).replace(/\/\/[^/]*@/, '//');

function serverIn({ given, io }: Context): string {
  const server = given.server as string | undefined;
  if (server !== undefined && /\/\/[^/]*@/.test(server)) {
    throw new UsageError(
      'option --server must hold no user or token: everybody can read a command line; use KANADE_NATS_TOKEN',
    );
  }
  return server ?? (io.env.KANADE_NATS_URL || serverDefault);
}

/** Seconds of an option as ms, at least one second; undefined when the option was not given. */
export function secondsOption(name: string, seconds: number | undefined): number | undefined {
  if (seconds === undefined) return undefined;
  if (seconds < 1 || seconds > secondsMax) {
    throw new UsageError(`option --${name} must be between 1 and ${secondsMax} seconds: ${seconds}`);
  }
  return seconds * 1000;
}
