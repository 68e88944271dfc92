/* What a method on a path means, who may ask for it, and the answers. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { Board, PageEvent } from '../run/board.ts';
import type { ApiRefusal } from '../wire/page-event.ts';
import { type AgentLink, LinkError, type LinkErrorCode } from './link.ts';
import type { Page } from './page.ts';

/** What a route may use to answer one request. */
export interface RouteContext {
  readonly link: AgentLink;
  readonly board: Board;
  readonly session: Session;
  readonly body: Readonly<Record<string, unknown>>;
  readonly signal: AbortSignal;
}

export type RouteHandler = (context: RouteContext) => Promise<HttpAnswer> | HttpAnswer;

export type Route =
  | { readonly kind: 'answer'; readonly answer: HttpAnswer }
  | { readonly kind: 'events' }
  | { readonly kind: 'handler'; readonly handler: RouteHandler };

/** Ids of jobs and runs are tokens (fleet reference, section 2); anything else is no path of ours. */
const stopPath = /^\/api\/runs\/([A-Za-z0-9_.-]{1,128})\/stop$/;

/** Decides what a method on a path means for who holds `key`. The files of the page hold no secret, and the exchange gives the session. */
export function resolveRoute(
  { method, path, key }: { method: string; path: string; key: string | undefined },
  { page, session }: { page: Page; session: Session },
): Route {
  const file = Object.hasOwn(pageFiles, path) ? pageFiles[path] : undefined;
  if (file) return method === 'GET' ? answer({ status: 200, ...file, body: page[file.part] }) : notAllowed('GET');
  if (path !== '/api/session' && !session.holds(key ?? '')) {
    return answer(refusal(403, 'no_session', 'open the address that kanade-client printed when it started'));
  }
  if (path === '/api/events') return method === 'GET' ? { kind: 'events' } : notAllowed('GET');
  const runId = stopPath.exec(path)?.[1];
  const entry = runId === undefined ? tableEntry(path) : { method: 'POST', handler: stopRun(runId) };
  if (!entry) return answer(refusal(404, 'not_found', 'no such path'));
  return method === entry.method ? { kind: 'handler', handler: entry.handler } : notAllowed(entry.method);
}

const pageFiles: Record<string, { readonly contentType: string; readonly part: keyof Page }> = {
  '/': { contentType: 'text/html; charset=utf-8', part: 'html' },
  '/app.js': { contentType: 'text/javascript; charset=utf-8', part: 'js' },
  '/app.css': { contentType: 'text/css; charset=utf-8', part: 'css' },
};

interface TableEntry {
  readonly method: string;
  readonly handler: RouteHandler;
}

const table: Record<string, TableEntry> = {
  '/api/session': { method: 'POST', handler: exchangeToken },
  '/api/state': { method: 'GET', handler: ({ board }) => json(200, board.view()) },
  '/api/jobs': { method: 'GET', handler: listJobs },
  '/api/runs': { method: 'POST', handler: startRun },
};

function tableEntry(path: string): TableEntry | undefined {
  return Object.hasOwn(table, path) ? table[path] : undefined;
}

function exchangeToken({ session, body }: RouteContext): HttpAnswer {
  const key = typeof body.token === 'string' ? session.exchange(body.token) : undefined;
  return key === undefined
    ? refusal(
        403,
        'bad_token',
        'this address was already used or is not ours: start the Client App again for a new one',
      )
    : json(200, { key });
}

async function listJobs({ link, signal }: RouteContext): Promise<HttpAnswer> {
  return answered(async () => json(200, { items: await link.listJobs({ signal }) }));
}

async function startRun({ link, board, body, signal }: RouteContext): Promise<HttpAnswer> {
  const jobId = body.job_id;
  if (typeof jobId !== 'string' || jobId === '') {
    return refusal(400, 'bad_body', 'expected {"job_id": "<id of a job>"}');
  }
  return answered(async () => {
    const { run_id } = await link.execute(jobId, { signal });
    board.started(run_id, jobId);
    return json(200, { run_id });
  });
}

function stopRun(runId: string): RouteHandler {
  return ({ link, board, signal }) =>
    answered(async () => {
      await link.kill(runId, { signal });
      board.stopping(runId);
      return json(200, {});
    });
}

const statusOf: Record<LinkErrorCode, number> = {
  away: 503,
  refused: 503,
  not_allowed: 403,
  not_found: 404,
  too_many: 429,
  invalid: 400,
  internal: 502,
};

async function answered(attempt: () => Promise<HttpAnswer>): Promise<HttpAnswer> {
  try {
    return await attempt();
  } catch (error) {
    if (error instanceof LinkError) return refusal(statusOf[error.code], error.code, error.message);
    if (error instanceof DOMException && error.name === 'TimeoutError') {
      return refusal(504, 'agent_slow', 'the agent did not answer in time');
    }
    throw error;
  }
}

function answer(whole: HttpAnswer): Route {
  return { kind: 'answer', answer: whole };
}

function notAllowed(allow: string): Route {
  return answer(refusal(405, 'wrong_method', `only ${allow} here`, { allow }));
}

/** A whole answer to one request. */
export interface HttpAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export function json(status: number, value: unknown): HttpAnswer {
  return { status, contentType: 'application/json', body: JSON.stringify(value) };
}

export function refusal(status: number, code: string, message: string, headers?: Record<string, string>): HttpAnswer {
  const answer = json(status, { error: { code, message } } satisfies ApiRefusal);
  return headers ? { ...answer, headers } : answer;
}

export interface EventStreamLimits {
  /** Bytes waiting for a page that reads too slowly; beyond, its stream is cut and it starts afresh. Defaults to 64 MiB, room for a replay of full runs. */
  readonly waitingBytesMax: number;
  /** A comment is sent this often, in ms, so that neither side takes a quiet stream for a dead one. Defaults to 15 s. */
  readonly heartbeatMs: number;
}

export const eventStreamLimits: EventStreamLimits = { waitingBytesMax: 64 * 1024 * 1024, heartbeatMs: 15_000 };

/** Sends the board's events as server-sent events until the page goes or `signal` aborts. */
export function streamEvents(
  board: Board,
  response: ServerResponse,
  { limits, signal }: { limits: EventStreamLimits; signal: AbortSignal },
): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const write = (text: string): void => {
    if (response.writableEnded) return; // we hang up, and what happens until the socket is closed is told to nobody
    if (response.writableLength > limits.waitingBytesMax) response.destroy();
    else response.write(text);
  };
  const heartbeat = setInterval(() => write(': still here\n\n'), limits.heartbeatMs);
  const unfollow = board.follow((event) => write(encodeEvent(event)));
  const hangUp = (): void => {
    response.end();
  };
  signal.addEventListener('abort', hangUp, { once: true });
  response.once('close', () => {
    clearInterval(heartbeat);
    unfollow();
    signal.removeEventListener('abort', hangUp);
  });
}

/** JSON has no raw line break, so one `data` line holds any event. */
function encodeEvent(event: PageEvent): string {
  return `data: ${JSON.stringify(event)}\n\n`;
}

/** Proof that a page was opened by the person who started the program. */
export interface Session {
  /** Handed out once, in the address that is printed at start. */
  readonly token: string;
  /** The session's key for the token; undefined for a wrong token and for every token after the first right one. */
  exchange(token: string): string | undefined;
  /** True for the key that `exchange` gave. */
  holds(key: string): boolean;
}

/** Random bytes of a token and of a key: 256 bits, so that guessing needs no counting of failures. */
const secretBytes = 32;

/**
 * The token is good for one exchange: it stands in a command line when a browser is opened with it, where other
 * users of the machine can read it for a moment.
 */
export function createSession(): Session {
  const token = randomBytes(secretBytes).toString('base64url');
  const key = randomBytes(secretBytes).toString('base64url');
  let isExchanged = false;
  return {
    token,
    exchange(offered) {
      if (isExchanged || !equalSecrets(offered, token)) return undefined;
      isExchanged = true;
      return key;
    },
    holds: (offered) => isExchanged && equalSecrets(offered, key),
  };
}

/** Compares digests: they have one length, so the time taken tells nothing about the secret. */
function equalSecrets(offered: string, secret: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(offered), digest(secret));
}
