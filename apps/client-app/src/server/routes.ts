/* What a method on a path means, and who may ask for it. */
import { type HttpAnswer, json, refusal } from './answer.ts';
import * as handlers from './handlers.ts';
import type { Page } from './page.ts';
import type { Session } from './session.ts';

export type Route =
  | { readonly kind: 'answer'; readonly answer: HttpAnswer }
  | { readonly kind: 'events' }
  | { readonly kind: 'handler'; readonly handler: handlers.RouteHandler };

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
  const entry = entryOf(path);
  if (!entry) return answer(refusal(404, 'not_found', 'no such path'));
  return method === entry.method ? { kind: 'handler', handler: entry.handler } : notAllowed(entry.method);
}

const pageFiles: Record<string, { readonly contentType: string; readonly part: 'html' | 'js' | 'css' }> = {
  '/': { contentType: 'text/html; charset=utf-8', part: 'html' },
  '/app.js': { contentType: 'text/javascript; charset=utf-8', part: 'js' },
  '/app.css': { contentType: 'text/css; charset=utf-8', part: 'css' },
};

interface TableEntry {
  readonly method: string;
  readonly handler: handlers.RouteHandler;
}

const table: Record<string, TableEntry> = {
  '/api/session': { method: 'POST', handler: handlers.takeToken },
  '/api/state': { method: 'GET', handler: ({ board }) => json(200, board.view()) },
  '/api/jobs': { method: 'GET', handler: handlers.offeredJobs },
  '/api/runs': { method: 'POST', handler: handlers.startRun },
  '/api/support/unlock': { method: 'POST', handler: handlers.unlock },
  '/api/support/lock': { method: 'POST', handler: handlers.lock },
  '/api/support/preview': { method: 'POST', handler: handlers.previewDiagnostics },
  '/api/support/send': { method: 'POST', handler: handlers.sendDiagnostics },
  '/api/log': { method: 'GET', handler: handlers.readLog },
};

/** What is done to one run or notification, by its id. */
const actions: Record<string, (id: string) => handlers.RouteHandler> = {
  'runs/stop': handlers.stopRun,
  'runs/output': handlers.outputPart,
  'notifications/ack': handlers.acknowledge,
  'notifications/unack': handlers.takeAckBack,
};

/** Ids of runs and notifications are tokens (fleet reference, section 2); anything else is no path of ours. */
const actionPath = /^\/api\/(runs|notifications)\/([A-Za-z0-9_.-]{1,128})\/([a-z]+)$/;

function entryOf(path: string): TableEntry | undefined {
  if (Object.hasOwn(table, path)) return table[path];
  const [, noun, id = '', verb] = actionPath.exec(path) ?? [];
  const name = `${noun}/${verb}`;
  const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
  return action && { method: 'POST', handler: action(id) };
}

function answer(whole: HttpAnswer): Route {
  return { kind: 'answer', answer: whole };
}

function notAllowed(allow: string): Route {
  return answer(refusal(405, 'wrong_method', `only ${allow} here`, { allow }));
}
