/**
 * The one listener of the doors that speak HTTP (`serve`, `mcp`): address rule, TLS, token, Host and Origin, limits of what may come
 * and stay, graceful end. What a request wants is its door's business.
 */
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, Server, ServerOptions, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { jobErrors } from '@kanade/shared/job-words';
import { Failure, failureOf } from '../answer/answer.ts';
import type { Io } from '../io.ts';
import { endBeforeBody, lingerMs } from './body.ts';
import { allowPage, answerPreflight, checkHost, checkOrigin, checkToken, isPreflight } from './guard.ts';
import type { ListenGiven } from './options.ts';
import { type ListenPlace, listenPlaceOf } from './place.ts';
import { accessOf } from './token.ts';

export interface ListenLimits {
  /** Connections at one time; more are closed unanswered. */
  readonly connectionCountMax: number;
  /** Requests that are answered or waited for at one time; more get 503. */
  readonly requestCountMax: number;
  /** Bytes of a request's head. */
  readonly headBytesMax: number;
  /** Bytes of a request's body. */
  readonly bodyBytesMax: number;
  /** Time for the head of a request to arrive, in ms. */
  readonly headMs: number;
  /** Time for the whole of a request to arrive, in ms. */
  readonly bodyMs: number;
  /** How long a connection without a request stays, in ms. */
  readonly idleMs: number;
  /** How long a client may take nothing of an answer that is there, in ms. */
  readonly stallMs: number;
  /** How long what is being answered may go on when the program is asked to end, in ms. */
  readonly graceMs: number;
}

export const listenLimits: ListenLimits = {
  connectionCountMax: 2_048,
  requestCountMax: 1_536,
  headBytesMax: 16 * 1024,
  bodyBytesMax: 1024 * 1024,
  headMs: 10_000,
  bodyMs: 30_000,
  idleMs: 60_000,
  stallMs: 30_000,
  graceMs: 2_000,
};

/** One request that may be answered, on its way. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The path as it was sent, nothing decoded. */
  readonly path: string;
  /** What stands behind the `?`. */
  readonly query: string;
  /** Aborted when the client has left, or the program is asked to end. */
  readonly signal: AbortSignal;
  readonly limits: ListenLimits;
}

export interface ListenerOptions {
  readonly given: ListenGiven;
  /** The port of 127.0.0.1 when the options name none. */
  readonly portDefault: number;
  readonly io: Io;
  /** The name that the program was called by. */
  readonly program: string;
  /** True for a path that needs no token. */
  readonly isPublic: (path: string) => boolean;
  /** Answers a request; what it throws becomes an answer with the status of its code. */
  readonly answer: (exchange: Exchange) => Promise<void>;
  readonly limits?: Partial<ListenLimits>;
}

export interface Listener extends AsyncDisposable {
  /** Where it listens, such as `http://127.0.0.1:19263`. */
  readonly url: string;
  /** The file with the token; undefined when there is none. */
  readonly tokenFile: string | undefined;
}

/**
 * Listens until it is disposed of: then what waits is aborted, what is being written may go on for `graceMs`, and every connection is
 * closed. Throws `UsageError`, `serve_unsafe_bind`, `invalid_config`, `token_unusable`, `listen_failed`.
 */
export async function openListener(options: ListenerOptions): Promise<Listener> {
  const { given, io } = options;
  const limits = { ...listenLimits, ...options.limits };
  const place = listenPlaceOf(given, options.portDefault, io.env);
  const access = accessOf(given, io.env);
  const server = await createServer(place, limits);
  const open = new Map<ServerResponse, AbortController>();
  const admit = (request: IncomingMessage, response: ServerResponse): void => {
    const gone = new AbortController();
    open.set(response, gone);
    response.once('close', () => {
      open.delete(response);
      if (!response.writableFinished) gone.abort(new Error('the client has left'));
    });
    take(request, response).catch((error: unknown) => sendFailure(error, { request, response }, options));

    async function take(...[asked, answered]: [IncomingMessage, ServerResponse]): Promise<void> {
      checkHost(asked, place);
      checkOrigin(asked, place);
      allowPage(asked, answered, place);
      if (isPreflight(asked)) return answerPreflight(answered);
      if (open.size > limits.requestCountMax)
        throw new Failure('busy', `${limits.requestCountMax} requests are being answered: try again later`, {
          retryable: true,
        });
      const [path = '', query = ''] = splitTarget(asked.url ?? '');
      if (!options.isPublic(path)) checkToken(asked, access, place);
      await options.answer({ request: asked, response: answered, path, query, signal: gone.signal, limits });
    }
  };
  server.on('request', admit).on('checkContinue', admit);
  server.on('timeout', (socket: Socket) => cutStalled(socket, open));
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => refuseBytes(error, socket, open));
  const url = await listen(server, place);
  const release = writeAddress(given['address-file'], url);
  return {
    url,
    tokenFile: access.tokenFile,
    async [Symbol.asyncDispose]() {
      release();
      await closeServer(server, open, limits.graceMs);
    },
  };
}

/** Target of a request: path and query. Only our own are served: no proxy requests. */
function splitTarget(target: string): [string, string] {
  if (!target.startsWith('/'))
    throw new Failure('invalid_request', 'the target of a request is a path: it begins with /');
  const at = target.indexOf('?');
  return at < 0 ? [target, ''] : [target.slice(0, at), target.slice(at + 1)];
}

async function createServer(place: ListenPlace, limits: ListenLimits): Promise<Server> {
  const options: ServerOptions = {
    headersTimeout: limits.headMs,
    requestTimeout: limits.bodyMs,
    keepAliveTimeout: limits.idleMs,
    maxHeaderSize: limits.headBytesMax,
    connectionsCheckingInterval: Math.min(limits.headMs, 10_000),
  };
  const server = place.tls
    ? await createTlsServer(options, place.tls)
    : (await import('node:http')).createServer(options);
  server.maxConnections = limits.connectionCountMax;
  server.timeout = limits.stallMs;
  return server;
}

async function createTlsServer(options: ServerOptions, tls: { cert: string; key: string }): Promise<Server> {
  const { createServer: create } = await import('node:https');
  try {
    return create({ ...options, ...tls, minVersion: 'TLSv1.2', handshakeTimeout: options.headersTimeout });
  } catch (error) {
    throw new Failure('invalid_config', `--tls-cert and --tls-key make no TLS server: ${(error as Error).message}`);
  }
}

/** A connection on which nothing has moved: cut when it has no request, or does not take its answer. Who waits for an answer stays. */
function cutStalled(socket: Socket, open: ReadonlyMap<ServerResponse, unknown>): void {
  const waits = [...open.keys()].some((response) => response.socket === socket);
  if (!waits || socket.writableLength > 0) socket.destroy();
}

/** What is answered to bytes that are no request. */
const linesOf: Readonly<Record<string, string>> = {
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
};

/** Says what is wrong when nothing else is being said on the connection, and ends it, whether or not its client does. */
function refuseBytes(
  { code = '' }: NodeJS.ErrnoException,
  socket: Socket,
  open: ReadonlyMap<ServerResponse, unknown>,
): void {
  const speaks = [...open.keys()].some((response) => response.socket === socket && response.headersSent);
  if (!socket.writable || speaks) {
    socket.destroy();
    return;
  }
  socket.end(`HTTP/1.1 ${linesOf[code] ?? '400 Bad Request'}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
  const late = setTimeout(() => socket.destroy(), lingerMs);
  socket.once('close', () => clearTimeout(late));
}

function listen(server: Server, { host, port, tls }: ListenPlace): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, { host, port })));
  server.listen({ host, port }, () => {
    const { port: taken } = server.address() as AddressInfo;
    resolve(`${tls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${taken}`);
  });
  return promise;
}

function listenError(
  { code, message }: NodeJS.ErrnoException,
  { host, port }: Pick<ListenPlace, 'host' | 'port'>,
): Failure {
  const why =
    code === 'EADDRINUSE'
      ? `another program listens on port ${port}: choose one with --port, 0 for any that is free`
      : message;
  return new Failure('listen_failed', `could not listen on ${host}: ${why}`);
}

/** Whole or not at all; what it gives takes the file away again. */
function writeAddress(path: string | undefined, url: string): () => void {
  if (path === undefined) return () => undefined;
  const fresh = `${path}.${process.pid}`;
  writeFileSync(fresh, `${url}\n`, { mode: 0o600 });
  renameSync(fresh, path);
  return () => rmSync(path, { force: true });
}

async function closeServer(server: Server, open: Map<ServerResponse, AbortController>, graceMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  for (const [response, gone] of open) {
    if (!response.headersSent) response.setHeader('connection', 'close');
    gone.abort(new Failure('interrupted', 'the server ends; the job goes on', { retryable: true }));
  }
  server.closeIdleConnections();
  const late = setTimeout(() => server.closeAllConnections(), graceMs);
  await promise;
  clearTimeout(late);
}

/** Headers of every answer: nothing is kept by anybody, and nobody guesses what it is. */
const plainHeaders = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' } as const;

/** Sends one JSON document. */
export function sendJson(response: ServerResponse, status: number, document: unknown): void {
  const body = `${JSON.stringify(document)}\n`;
  const head = { ...plainHeaders, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  response.writeHead(status, head);
  response.end(body);
}

/** Headers that an error needs besides. */
const headersOf: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  unauthorized: { 'www-authenticate': 'Bearer' },
  busy: { 'retry-after': '1' },
};

/** Answers with an error; nobody is told when nobody is there, and an answer that has begun is cut. */
function sendFailure(
  error: unknown,
  { request, response }: Pick<Exchange, 'request' | 'response'>,
  { io, program }: Pick<ListenerOptions, 'io' | 'program'>,
): void {
  if (response.destroyed) return;
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const document = failureOf(error, io, program);
  const { code } = document.error as { code: string };
  for (const [name, value] of Object.entries(headersOf[code] ?? {})) response.setHeader(name, value);
  const status = statusOf(code);
  if (request.complete || !hasBody(request)) {
    sendJson(response, status, document);
    return;
  }
  const body = `${JSON.stringify(document)}\n`;
  const head = { ...plainHeaders, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  response.writeHead(status, { ...head, connection: 'close' });
  response.write(body);
  endBeforeBody(request, response);
}

function statusOf(code: string): number {
  const facts: { readonly when: string; readonly http?: number } | undefined = Object.hasOwn(jobErrors, code)
    ? jobErrors[code as keyof typeof jobErrors]
    : undefined;
  return facts?.http ?? 500;
}

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
