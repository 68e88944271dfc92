import { openTraceFile, type TraceFile } from '@kanade/klp/trace';
import { ClientAppError, clientAppExitCodes } from './client-app-error.ts';
import { connectionWords } from './connection-words.ts';
import { type HandOver, writeHandOver } from './hand-over.ts';
import type { Io } from './io.ts';
import { browserCommands, openFirst } from './open-browser.ts';
import { type ClientAppOptions, helpText, parseOptions } from './options.ts';
import { createBoard } from './run/board.ts';
import { openPageServer } from './server/http.ts';
import { openLink } from './server/link.ts';
import { loadPage } from './server/page.ts';
import { createSession } from './server/session.ts';

export type { Io } from './io.ts';

/**
 * The Client App: serves the page until `io.signal` aborts. Resolves to the exit code: 0 stopped or help, 1 could not
 * start, 2 wrong arguments, 3 port taken. Prints nothing on stdout but the help or the one line with the address.
 */
export async function main(args: readonly string[], io: Io): Promise<number> {
  try {
    const options = parseOptions(args, io.env);
    if (options.kind === 'help') io.stdout(helpText);
    else await serve(options, io);
    return 0;
  } catch (error) {
    if (!(error instanceof ClientAppError)) throw error;
    io.stderr(`kanade-client: ${error.message}\n`);
    if (error.code === 'usage') io.stderr('kanade-client: --help shows the options\n');
    return clientAppExitCodes[error.code];
  }
}

async function serve(options: Extract<ClientAppOptions, { kind: 'serve' }>, io: Io): Promise<void> {
  const { signal } = io; // looked at first: from here on a signal is a wish to end, and not the end
  const page = await loadPage();
  const session = createSession();
  const board = createBoard();
  const log = (message: string): void => io.stderr(`kanade-client: ${message}\n`);
  using trace = openTrace(options);
  await using link = openLink({
    socketPath: options.socketPath,
    onTrace: trace?.trace('agent'),
    version: page.version,
    onFault: log,
    onConnection(connection) {
      const words = connectionWords(connection);
      if (words !== undefined) log(words);
    },
    onEvent: board.receive,
  });
  await using server = await openPageServer({ link, board, page, session, port: options.port });
  const url = `http://127.0.0.1:${server.port}/#token=${session.token}`;
  io.stdout(`kanade-client: ${url}\n`);
  await using handOver = options.open ? await open(url, io) : undefined;
  // Once the token is traded it is worth nothing, and neither is the file that holds it.
  void session.used.then(() => handOver?.[Symbol.asyncDispose]());
  await aborted(signal);
}

function openTrace({ trace }: Extract<ClientAppOptions, { kind: 'serve' }>): TraceFile | undefined {
  if (!trace) return undefined;
  try {
    return openTraceFile(trace.path, trace);
  } catch (cause) {
    const message = `write down messages: ${trace.path}: ${(cause as Error).message}; choose another KANADE_KLP_TRACE`;
    throw new ClientAppError('usage', message, { cause });
  }
}

/** The token goes to the browser in a file: argument lists can be read by every user of the machine. */
async function open(url: string, io: Io): Promise<HandOver> {
  const handOver = await writeHandOver(url, { env: io.env });
  const commands = browserCommands(handOver.address, { platform: process.platform, env: io.env });
  const program = await openFirst(commands, io.env);
  if (program === undefined) {
    await handOver[Symbol.asyncDispose]();
    io.stderr('kanade-client: found no display or no browser to open; use the address above\n');
  }
  return handOver;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
