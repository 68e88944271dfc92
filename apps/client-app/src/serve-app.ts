/* The Client App while it runs: one for each person and agent. */
import { tmpdir } from 'node:os';
import { openTraceFile, type TraceFile } from '@kanade/klp/trace';
import { localAddress } from '@kanade/shared/local';
import { ClientAppError } from './client-app-error.ts';
import { connectionWords } from './connection-words.ts';
import { type Addresses, createAddresses } from './desktop/addresses.ts';
import { browserCommands, openFirst } from './desktop/open-browser.ts';
import { answerOthers, askRunning, type Found } from './instance/instance.ts';
import { instancePath } from './instance/instance-path.ts';
import type { Io } from './io.ts';
import type { ClientAppOptions } from './options.ts';
import { createBoard } from './run/board.ts';
import { openPageServer } from './server/http.ts';
import { openLink } from './server/link.ts';
import { loadPage } from './server/page.ts';
import { createSession } from './server/session.ts';

type ServeOptions = Extract<ClientAppOptions, { kind: 'serve' }>;

/** Serves the page until `io.signal` aborts; where this person's Client App runs already, opens that one and resolves. Throws {@link ClientAppError}. */
export async function serveApp(options: ServeOptions, io: Io): Promise<void> {
  const { signal } = io; // looked at first: from here on a signal is a wish to end, and not the end
  const uid = process.getuid?.();
  const around = { platform: process.platform, env: io.env, uid, temporary: tmpdir() };
  const path = instancePath(options.socketPath ?? localAddress(process.platform), around);
  const found = await findRunning(path, io);
  if (found) return openRunning(found, options, io);

  const page = await loadPage();
  const session = createSession();
  const board = createBoard();
  const log = logTo(io);
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
  await using addresses = createAddresses(`http://127.0.0.1:${server.port}`, { session, env: io.env });
  const other = await becomeTheOne({ path, uid, addresses }, io);
  if (other && 'url' in other) return openRunning(other, options, io);
  await using _listener = other;
  if (options.open) await show(await addresses.issueFile(), io, { isPrintedFirst: true });
  else io.stdout(`kanade-client: ${addresses.issue()}\n`);
  await aborted(signal);
}

const logTo =
  ({ stderr }: Io) =>
  (message: string): void =>
    stderr(`kanade-client: ${message}\n`);

async function findRunning(path: string | undefined, io: Io): Promise<Found | undefined> {
  if (path === undefined) return undefined;
  try {
    return await askRunning(path);
  } catch (error) {
    logTo(io)(`could not look for another Client App of yours: ${(error as Error).message}`);
    return undefined;
  }
}

/** Others that are started come to us from now on; resolves to the one that was quicker, and to undefined where nobody can be told apart. */
async function becomeTheOne(
  { path, uid, addresses }: { path: string | undefined; uid: number | undefined; addresses: Addresses },
  io: Io,
): Promise<AsyncDisposable | Found | undefined> {
  if (path === undefined || uid === undefined) return undefined;
  try {
    return await answerOthers(path, { uid, onAsked: () => addresses.issueFile() });
  } catch (error) {
    const quicker = await findRunning(path, io);
    if (quicker) return quicker;
    logTo(io)(`a second start will not find this one: ${(error as Error).message}`);
    return undefined;
  }
}

/** The page of the Client App that runs, for whoever has started another one. */
async function openRunning(found: Found, { open, port }: ServeOptions, io: Io): Promise<void> {
  const { origin, port: runsOn } = new URL(found.url);
  if (port !== 0 && port !== Number(runsOn)) {
    const message = `your Client App runs already, at ${origin}: stop it first to have it on port ${port}, or leave --port out`;
    throw new ClientAppError('runs_already', message);
  }
  logTo(io)('runs already; this is another address of its page');
  io.stdout(`kanade-client: ${found.url}\n`);
  if (open) await show(found, io);
}

/** The address goes to the browser in a file: argument lists can be read by every user of the machine. */
async function show({ url, file }: Found, io: Io, { isPrintedFirst = false } = {}): Promise<void> {
  if (isPrintedFirst) io.stdout(`kanade-client: ${url}\n`);
  const commands = browserCommands(file, { platform: process.platform, env: io.env });
  const shown = await openFirst(commands, io);
  if (shown)
    logTo(io)(`opened in ${shown.shows === 'browser' ? 'the browser, by' : 'an app window of'} ${shown.words[0]}`);
  else logTo(io)('found no display or no browser to open; use the address above');
}

function openTrace({ trace }: ServeOptions): TraceFile | undefined {
  if (!trace) return undefined;
  try {
    return openTraceFile(trace.path, trace);
  } catch (cause) {
    const message = `write down messages: ${trace.path}: ${(cause as Error).message}; choose another KANADE_KLP_TRACE`;
    throw new ClientAppError('usage', message, { cause });
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
