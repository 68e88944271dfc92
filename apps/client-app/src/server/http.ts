/* The page's own server: what a request must be before anybody looks at what it wants, and how its answer goes out. */
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { ClientAppError } from '../client-app-error.ts';
import type { Board } from '../run/board.ts';
import { type HttpAnswer, refusal } from './answer.ts';
import { type EventStreamLimits, eventStreamLimits, streamEvents } from './event-stream.ts';
import type { RouteContext, RouteHandler } from './handlers.ts';
import type { AgentLink } from './link.ts';
import type { Page } from './page.ts';
import { resolveRoute } from './routes.ts';
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

export interface PageServerLimits extends EventStreamLimits {
  /** Connections at one time. Defaults to 64. */
  readonly connectionCountMax: number;
  /** Time for the agent to answer one request, in ms. Defaults to 20 s. */
  readonly agentMs: number;
  /** Bytes of a request's body. Defaults to 64 KiB. */
  readonly bodyBytesMax: number;
  /** Time for a body to arrive in full, in ms. Defaults to 10 s. */
  readonly bodyMs: number;
}

export const pageServerLimits: PageServerLimits = {
  ...eventStreamLimits,
  connectionCountMax: 64,
  agentMs: 20_000,
  bodyBytesMax: 64 * 1024,
  bodyMs: 10_000,
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
  const route = resolveRoute({ method: request.method ?? '', path, key: bearerKey(request.headers) }, context);
  if (route.kind === 'answer') return send(response, await packed(route.answer, request.headers));
  if (route.kind === 'events') return streamEvents(context.board, response, context);
  return send(response, await runHandler(route.handler, { request, response, context }));
}

async function runHandler(
  handler: RouteHandler,
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
  else send(response, refusal(500, 'internal', `could not answer: ${error.message}`));
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

/** The refusal of a request that does not come from our own page; undefined when it may go on. */
function checkOrigin(headers: IncomingHttpHeaders, port: number): HttpAnswer | undefined {
  const hosts = [`127.0.0.1:${port}`, `localhost:${port}`];
  // A name that some other site resolves to 127.0.0.1 (DNS rebinding) still arrives with that name in Host.
  if (headers.host === undefined || !hosts.includes(headers.host)) {
    return refusal(403, 'foreign_host', `refused a request for another host: use http://127.0.0.1:${port}/`);
  }
  if (headers.origin !== undefined && headers.origin !== `http://${headers.host}`) {
    return refusal(403, 'foreign_origin', 'refused a request from another site');
  }
  return undefined;
}

/** The key in `Authorization: Bearer <key>`; undefined when there is none. */
function bearerKey(headers: IncomingHttpHeaders): string | undefined {
  return /^Bearer ([A-Za-z0-9_-]{1,128})$/.exec(headers.authorization ?? '')?.[1];
}

/** Headers of every answer: nothing is cached, nothing is loaded from elsewhere, nobody may frame us. */
const securityHeaders: Readonly<Record<string, string>> = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

type BodyResult =
  | { readonly ok: true; readonly value: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly answer: HttpAnswer };

/** Reads a JSON object from a request. Whatever does not fit is an answer to send; a broken connection rejects. */
async function readJsonBody(request: IncomingMessage, limits: PageServerLimits): Promise<BodyResult> {
  const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json') {
    return failed(refusal(415, 'wrong_content_type', `expected application/json, got: ${type || 'nothing'}`));
  }
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared > limits.bodyBytesMax) return failed(tooLarge(limits.bodyBytesMax, declared));
  const read = await readAll(request, limits);
  if ('status' in read) return failed(read);
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(read));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return { ok: true, value: value as Record<string, unknown> };
    }
    return failed(refusal(400, 'bad_body', 'expected a JSON object'));
  } catch (error) {
    return failed(refusal(400, 'bad_body', `could not read the body as JSON: ${(error as Error).message}`));
  }
}

function readAll(request: IncomingMessage, limits: PageServerLimits): Promise<Uint8Array | HttpAnswer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array | HttpAnswer>();
  const timer = setTimeout(
    () => resolve(refusal(408, 'slow_body', `the body did not arrive within ${limits.bodyMs} ms`)),
    limits.bodyMs,
  );
  request.on('data', (chunk: Uint8Array) => {
    bytes += chunk.byteLength;
    if (bytes > limits.bodyBytesMax) resolve(tooLarge(limits.bodyBytesMax, bytes));
    else chunks.push(chunk);
  });
  request.on('end', () => resolve(Buffer.concat(chunks)));
  request.on('error', reject);
  request.on('close', () => reject(new Error('the connection broke while the body was read')));
  return promise.finally(() => {
    clearTimeout(timer);
    request.pause();
  });
}

function tooLarge(maximum: number, actual: number): HttpAnswer {
  return refusal(413, 'body_too_large', `body of at least ${actual} bytes, maximum ${maximum}`);
}

function failed(answer: HttpAnswer): BodyResult {
  // What is left of the body is not read, so the connection cannot carry another request.
  return { ok: false, answer: { ...answer, headers: { ...answer.headers, connection: 'close' } } };
}

/** From this size on an answer goes out compressed to whoever takes that, in characters. */
const packFromChars = 1024;

/** The files of the page in a third of their bytes; they hold nothing that somebody else has put in (no BREACH). */
async function packed(answer: HttpAnswer, headers: IncomingHttpHeaders): Promise<HttpAnswer> {
  const accepts = String(headers['accept-encoding'] ?? '');
  if (typeof answer.body !== 'string' || answer.body.length < packFromChars || !/\bgzip\b/.test(accepts)) return answer;
  const { gzip } = await import('node:zlib');
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  gzip(answer.body, (error, bytes) => (error ? reject(error) : resolve(bytes)));
  return { ...answer, body: await promise, headers: { ...answer.headers, 'content-encoding': 'gzip' } };
}

function send(response: ServerResponse, answer: HttpAnswer): void {
  response.writeHead(answer.status, {
    ...answer.headers,
    'content-type': answer.contentType,
    'content-length': Buffer.byteLength(answer.body),
  });
  response.end(answer.body);
}
