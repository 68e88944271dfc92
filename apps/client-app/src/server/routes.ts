import { type AgentLink, LinkError, type LinkErrorCode } from './agent-link.ts';
import { type Answer, json, refuse } from './answer.ts';
import type { Board } from './board.ts';
import type { Page } from './page.ts';
import type { Session } from './session.ts';

/** What a route may use to answer one request. */
export interface RouteContext {
  readonly link: AgentLink;
  readonly board: Board;
  readonly session: Session;
  readonly body: Readonly<Record<string, unknown>>;
  readonly signal: AbortSignal;
}

export type Handler = (context: RouteContext) => Promise<Answer> | Answer;

export type Route =
  | { readonly kind: 'answer'; readonly answer: Answer }
  | { readonly kind: 'events' }
  | { readonly kind: 'handler'; readonly handler: Handler };

/** Ids of jobs and runs are tokens (fleet reference, section 2); anything else is no path of ours. */
const stopPath = /^\/api\/runs\/([A-Za-z0-9_.-]{1,128})\/stop$/;

/** True for what answers without a session: the files of the page hold no secret, and the exchange gives the session. */
export function isPublic(path: string): boolean {
  return path === '/api/session' || Object.hasOwn(pageFiles, path);
}

/** Decides what a method on a path means. */
export function resolveRoute(method: string, path: string, page: Page): Route {
  const file = Object.hasOwn(pageFiles, path) ? pageFiles[path] : undefined;
  if (file) return method === 'GET' ? answer({ status: 200, ...file, body: page[file.part] }) : notAllowed('GET');
  if (path === '/api/events') return method === 'GET' ? { kind: 'events' } : notAllowed('GET');
  const runId = stopPath.exec(path)?.[1];
  const entry = runId === undefined ? tableEntry(path) : { method: 'POST', handler: stopRun(runId) };
  if (!entry) return answer(refuse(404, 'not_found', 'no such path'));
  return method === entry.method ? { kind: 'handler', handler: entry.handler } : notAllowed(entry.method);
}

const pageFiles: Record<string, { readonly contentType: string; readonly part: keyof Page }> = {
  '/': { contentType: 'text/html; charset=utf-8', part: 'html' },
  '/app.js': { contentType: 'text/javascript; charset=utf-8', part: 'js' },
  '/app.css': { contentType: 'text/css; charset=utf-8', part: 'css' },
};

interface TableEntry {
  readonly method: string;
  readonly handler: Handler;
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

function exchangeToken({ session, body }: RouteContext): Answer {
  const key = typeof body.token === 'string' ? session.exchange(body.token) : undefined;
  return key === undefined
    ? refuse(403, 'bad_token', 'this address was already used or is not ours: start the Client App again for a new one')
    : json(200, { key });
}

async function listJobs({ link, signal }: RouteContext): Promise<Answer> {
  return answered(async () => json(200, { items: await link.listJobs({ signal }) }));
}

async function startRun({ link, board, body, signal }: RouteContext): Promise<Answer> {
  const jobId = body.job_id;
  if (typeof jobId !== 'string' || jobId === '') {
    return refuse(400, 'bad_body', 'expected {"job_id": "<id of a job>"}');
  }
  return answered(async () => {
    const { run_id } = await link.execute(jobId, { signal });
    board.started(run_id, jobId);
    return json(200, { run_id });
  });
}

function stopRun(runId: string): Handler {
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

async function answered(attempt: () => Promise<Answer>): Promise<Answer> {
  try {
    return await attempt();
  } catch (error) {
    if (error instanceof LinkError) return refuse(statusOf[error.code], error.code, error.message);
    if (error instanceof DOMException && error.name === 'TimeoutError') {
      return refuse(504, 'agent_slow', 'the agent did not answer in time');
    }
    throw error;
  }
}

function answer(whole: Answer): Route {
  return { kind: 'answer', answer: whole };
}

function notAllowed(allow: string): Route {
  return answer(refuse(405, 'wrong_method', `only ${allow} here`, { allow }));
}
