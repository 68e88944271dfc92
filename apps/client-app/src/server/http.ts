import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ClientAppError } from '../client-app-error.ts';
import type { AgentLink } from './agent-link.ts';
import { refuse, send } from './answer.ts';
import type { Board } from './board.ts';
import { type BodyLimits, bodyLimits, readJsonBody } from './body.ts';
import { type EventStreamLimits, eventStreamLimits, streamEvents } from './event-stream.ts';
import { bearerKey, checkOrigin, securityHeaders } from './guard.ts';
import type { Page } from './page.ts';
import { type Handler, isPublic, type RouteContext, resolveRoute } from './routes.ts';
import type { Session } from './session.ts';

export interface PageServerOptions {
  readonly link: AgentLink;
  readonly board: Board;
  readonly page: Page;
  readonly session: Session;
  /** Port on 127.0.0.1; 0 takes a free one. */
  readonly port: number;
  readonly limits?: Partial<PageServerLimits>;
}

export interface PageServerLimits extends BodyLimits, EventStreamLimits {
  /** Connections at one time. Defaults to 64. */
  readonly connectionCountMax: number;
  /** Time for the agent to answer one request, in ms. Defaults to 20 s. */
  readonly agentMs: number;
}

export const pageServerLimits: PageServerLimits = {
  ...bodyLimits,
  ...eventStreamLimits,
  connectionCountMax: 64,
  agentMs: 20_000,
};

export interface PageServer extends AsyncDisposable {
  readonly port: number;
}

/**
 * Serves the page and its API on 127.0.0.1. Resolves when it listens; disposing ends every stream and connection.
 * Throws {@link ClientAppError} `port_taken` or `listen_failed`.
 */
export async function openPageServer(options: PageServerOptions): Promise<PageServer> {
  const limits = { ...pageServerLimits, ...options.limits };
  const closing = new AbortController();
  const server = createServer({ headersTimeout: limits.bodyMs, requestTimeout: 0, maxHeaderSize: 16 * 1024 });
  server.maxConnections = limits.connectionCountMax;
  await listen(server, options.port);
  const { port } = server.address() as AddressInfo;
  server.on('request', (request, response) => {
    const context = { ...options, port, limits, signal: closing.signal };
    respond(request, response, context).catch((error: Error) => answerFailure(response, error));
  });
  return {
    port,
    async [Symbol.asyncDispose]() {
      if (closing.signal.aborted) return;
      closing.abort();
      const { promise, resolve } = Promise.withResolvers<void>();
      server.close(() => resolve());
      server.closeAllConnections();
      await promise;
    },
  };
}

type Context = Omit<RouteContext, 'body'> & {
  readonly page: Page;
  readonly limits: PageServerLimits;
  readonly port: number;
};

async function respond(request: IncomingMessage, response: ServerResponse, context: Context): Promise<void> {
  for (const [name, value] of Object.entries(securityHeaders)) response.setHeader(name, value);
  const foreign = checkOrigin(request.headers, context.port);
  if (foreign) return send(response, foreign);

  const path = (request.url ?? '/').split('?')[0] ?? '/';
  if (!isPublic(path) && !context.session.holds(bearerKey(request.headers) ?? '')) {
    return send(response, refuse(403, 'no_session', 'open the address that kanade-client printed when it started'));
  }
  const route = resolveRoute(request.method ?? '', path, context.page);
  if (route.kind === 'answer') return send(response, route.answer);
  if (route.kind === 'events') return streamEvents(context.board, response, context);
  return send(response, await runHandler(route.handler, { request, response, context }));
}

async function runHandler(
  handler: Handler,
  { request, response, context }: { request: IncomingMessage; response: ServerResponse; context: Context },
): Promise<Parameters<typeof send>[1]> {
  const body = request.method === 'POST' ? await readJsonBody(request, context.limits) : undefined;
  if (body && !body.ok) return body.answer;
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const signal = AbortSignal.any([context.signal, gone.signal, AbortSignal.timeout(context.limits.agentMs)]);
  return handler({ ...context, body: body?.value ?? {}, signal });
}

function answerFailure(response: ServerResponse, error: Error): void {
  if (response.destroyed) return;
  if (response.headersSent) response.destroy();
  else send(response, refuse(500, 'internal', `could not answer: ${error.message}`));
}

function listen(server: Server, port: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('listening', resolve);
  server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, port)));
  server.listen({ host: '127.0.0.1', port });
  return promise;
}

function listenError(error: NodeJS.ErrnoException, port: number): ClientAppError {
  if (error.code === 'EADDRINUSE') {
    return new ClientAppError(
      'port_taken',
      `could not listen on 127.0.0.1:${port}: another program uses this port; choose another with --port, or leave --port out`,
      { cause: error },
    );
  }
  return new ClientAppError('listen_failed', `could not listen on 127.0.0.1:${port}: ${error.message}`, {
    cause: error,
  });
}
