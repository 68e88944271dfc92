import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ClientAppError } from './client-app-error.ts';

/** What the arguments and the environment ask for. */
export type ClientAppOptions =
  | { readonly kind: 'help' }
  | {
      readonly kind: 'autostart';
      readonly action: 'on' | 'off' | 'status';
      /** Options of the Client App that is started at login. */
      readonly words: readonly string[];
      /** What was asked, as it was written. */
      readonly args: readonly string[];
    }
  | {
      readonly kind: 'serve';
      readonly port: number;
      readonly open: boolean;
      readonly socketPath?: string;
      /** File that every message to and from the agent is written to, for finding faults. */
      readonly trace?: { readonly path: string; readonly bodies: boolean };
    };

export const helpText = `kanade-client: the page from which the person at this machine starts approved jobs

  kanade-client [--port N] [--socket PATH] [--open]
  kanade-client autostart on|off|status [--socket PATH]

  --port N       listen on this port of 127.0.0.1 (default: a free one)
  --socket PATH  socket or pipe of the agent (default: KANADE_SOCKET, else the one of this system)
  --open         open the page in an app window or the browser, where there is a display
  --help         show this text

One runs for each person: a second start prints another address of the page (with --open it opens it) and ends.
autostart on makes the desktop open it at each login (Linux, XDG autostart); off takes that back; status says which.

For finding faults: env KANADE_KLP_TRACE=FILE writes down every message to and from the agent, without what it holds;
with KANADE_KLP_TRACE_BODIES=1 also params and results, secrets included.

Prints one line with the address. The address works once: open it in the browser that shall use it.
Exit codes: 0 stopped or opened, 1 could not, 2 wrong arguments, 3 the port is taken.
`;

/** Arguments win over the environment. Throws {@link ClientAppError} `usage`. */
export function parseOptions(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): ClientAppOptions {
  const { values, positionals } = readArgs(args);
  if (values.help) return { kind: 'help' };
  const socketPath = values.socket ?? (env.KANADE_SOCKET || undefined);
  if (values.socket === '') throw new ClientAppError('usage', 'expected a path after --socket: got an empty text');
  const trace = env.KANADE_KLP_TRACE
    ? { path: env.KANADE_KLP_TRACE, bodies: env.KANADE_KLP_TRACE_BODIES === '1' }
    : undefined;
  if (positionals.length > 0) return parseAutostart(positionals, values, args);
  return { kind: 'serve', port: parsePort(values.port ?? '0'), open: values.open ?? false, socketPath, trace };
}

interface Values {
  readonly port?: string;
  readonly socket?: string;
  readonly open?: boolean;
  readonly help?: boolean;
}

function parseAutostart(
  [noun, action, ...more]: readonly string[],
  { socket, port, open }: Values,
  args: readonly string[],
): ClientAppOptions {
  if (noun !== 'autostart') throw new ClientAppError('usage', `no such command: ${JSON.stringify(noun)}`);
  if ((action !== 'on' && action !== 'off' && action !== 'status') || more.length > 0)
    throw new ClientAppError('usage', 'expected one of on, off and status after autostart');
  if (port !== undefined || open !== undefined)
    throw new ClientAppError('usage', 'autostart takes no --port and no --open: the page is opened, on a free port');
  return { kind: 'autostart', action, words: socket === undefined ? [] : ['--socket', resolve(socket)], args };
}

function readArgs(args: readonly string[]): { readonly values: Values; readonly positionals: readonly string[] } {
  try {
    return parseArgs({
      args: [...args],
      strict: true,
      allowPositionals: true,
      options: {
        port: { type: 'string' },
        socket: { type: 'string' },
        open: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (cause) {
    throw new ClientAppError('usage', (cause as Error).message, { cause });
  }
}

function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port <= 65_535) return port;
  throw new ClientAppError('usage', `expected a port from 0 to 65535 after --port: got ${JSON.stringify(text)}`);
}
