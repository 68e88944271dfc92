/** The broker of a call, and a connection to it. NATS is loaded when a command really connects. */
import { homedir } from 'node:os';
import type { AuditEntry, Fleet } from '@kanade/fleet';
import type { BrokerAccess } from '@kanade/fleet/connection';
import { type Answer, type Context, UsageError } from '../../call/command.ts';
import type { Io } from '../../io.ts';
import { operator } from './operator.ts';

/** Longest wait that may be asked for, in seconds: a week, the age that orders reach on the broker. */
const secondsMax = 604_800;

const serverDefault = 'nats://127.0.0.1:4222';

type Library = typeof import('./library.ts');

/** The library of a connection, and the connection. */
export type Connected = Library & {
  readonly fleet: Fleet;
  /** Writes down what was done. What could not be recorded is said on stderr and stands in the answer; nothing is undone for it. */
  audit(entry: Entry): Promise<{ audit_failed?: string }>;
};

/** Connects, hands the connection over and closes it afterwards. Throws FleetError. */
export async function withFleet<T>(context: Context, use: (connected: Connected) => Promise<T>): Promise<T> {
  const { library, access } = await readAccess(context);
  await using fleet = await library.connectFleet({ servers: access, name: 'kanade-cli', signal: context.io.signal });
  return await use({ ...library, fleet, audit: (entry) => record(library, fleet, { entry, io: context.io }) });
}

/** How long a broker may take to be reached for a record of what needs none, in ms. */
const recordMs = 3_000;

/**
 * Does what needs no broker, and writes it down where a broker is: one that cannot be reached soon is said on stderr and stands in the
 * answer, and what was done stays done. Throws what `work` throws.
 */
export async function doneAndRecorded(
  context: Context,
  work: () => { readonly answer: Answer; readonly entry: Entry },
): Promise<Answer> {
  serverOption(context); // a call that makes no sense does nothing
  const { answer, entry } = work();
  const { io } = context;
  const soon = AbortSignal.timeout(recordMs);
  try {
    const { library, access } = await readAccess(context);
    const signal = AbortSignal.any([io.signal, soon]);
    await using fleet = await library.connectFleet({ servers: access, name: 'kanade-cli', signal });
    return { ...answer, ...(await record(library, fleet, { entry, io })) };
  } catch (error) {
    const cause = soon.aborted && error === soon.reason ? `no broker answered within ${recordMs / 1000} s` : error;
    return { ...answer, ...notRecorded(cause, io) };
  }
}

type Entry = Omit<AuditEntry, 'user' | 'host'>;

interface Recording {
  readonly entry: Entry;
  readonly io: Io;
}

async function record(
  { writeAudit }: Library,
  fleet: Fleet,
  { entry, io }: Recording,
): Promise<{ audit_failed?: string }> {
  try {
    // Not with the signal of the call: what was done is written down also when the caller goes away.
    await writeAudit(fleet, { ...entry, ...operator() });
    return {};
  } catch (error) {
    return notRecorded(error, io);
  }
}

function notRecorded(cause: unknown, io: Io): { audit_failed: string } {
  const said = cause instanceof Error ? cause.message : String(cause);
  io.stderr(`done, but not recorded: ${said}\n`);
  return { audit_failed: said };
}

/** How the broker of a call is reached. Throws FleetError, and UsageError for credentials in an argument. */
export async function readAccess(context: Context): Promise<{ library: Library; access: BrokerAccess }> {
  const server = serverOption(context);
  const library = await import('./library.ts');
  const { env } = context.io;
  const access = library.readBrokerAccess({
    role: 'operator',
    env,
    servers: server === undefined ? undefined : [server],
    serverDefault,
    isRoot: process.getuid?.() === 0,
    home: env.HOME || homedir(),
    cwd: context.cwd,
  });
  return { library, access };
}

/** Where the broker of a call stands, without anything that may be secret. */
export function shownServer(context: Context): string {
  const server = serverOption(context);
  if (server !== undefined) return server;
  const { KANADE_NATS_URL: url, KANADE_NATS_CONFIG: file } = context.io.env;
  if (url) return url.includes('@') ? 'in KANADE_NATS_URL' : url;
  return file ? `in ${file}` : `in the connection file of this user, else ${serverDefault}`;
}

function serverOption({ given }: Context): string | undefined {
  const server = given.server as string | undefined;
  if (server?.includes('@')) {
    throw new UsageError(
      'option --server must hold no user or token: everybody can read a command line; use the environment or a connection file',
    );
  }
  return server;
}

/** Seconds of an option as ms, at least one second; undefined when the option was not given. */
export function secondsOption(name: string, seconds: number | undefined): number | undefined {
  if (seconds === undefined) return undefined;
  if (seconds < 1 || seconds > secondsMax) {
    throw new UsageError(`option --${name} must be between 1 and ${secondsMax} seconds: ${seconds}`);
  }
  return seconds * 1000;
}
