/** What a request must be before anybody looks at what it wants: from here, of no foreign page, with the token. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Failure } from '../answer/answer.ts';
import { isLoopback, type ListenPlace } from './place.ts';
import type { Access } from './token.ts';

/**
 * A name that some site resolves to this machine (DNS rebinding) still arrives with that name in Host. Whoever listens for other machines asks
 * every one of them for the token, over TLS: there the name proves nothing.
 */
export function checkHost(request: IncomingMessage, { isLoopback: isHere }: Pick<ListenPlace, 'isLoopback'>): void {
  const given = request.rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === 'host').length;
  if (given !== 1) throw new Failure('invalid_request', `a request has one Host header: this one has ${given}`);
  const host = request.headers.host ?? '';
  const name = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+))(?::\d{1,5})?$/.exec(host);
  if (!name) throw new Failure('invalid_request', 'the Host header is no host');
  if (isHere && name[2]?.toLowerCase() !== 'localhost' && !isLoopback((name[1] ?? name[2] ?? '').toLowerCase()))
    throw new Failure('forbidden', `refused a request for another host: use 127.0.0.1 or localhost, not ${host}`);
}

/**
 * Pages of other origins are refused, but those of the one that is allowed. A browser says of every request of a page where it comes from:
 * in Origin, and where it leaves that out, in Sec-Fetch-Site.
 */
export function checkOrigin(
  request: IncomingMessage,
  { allowOrigin, tls }: Pick<ListenPlace, 'allowOrigin' | 'tls'>,
): void {
  const { origin, host, 'sec-fetch-site': site } = request.headers;
  if (origin === undefined ? site === undefined || site === 'none' || site === 'same-origin' : isOwn(origin)) return;
  if (origin !== undefined && origin === allowOrigin) return;
  throw new Failure(
    'forbidden',
    `refused a request of another site${origin === undefined ? '' : `, ${JSON.stringify(origin)}`}: --allow-origin names the one that may call`,
  );

  function isOwn(given: string): boolean {
    return given === `${tls ? 'https' : 'http'}://${host}`;
  }
}

/** Says to a browser that the page of the allowed origin may read the answer. */
export function allowPage(
  request: IncomingMessage,
  response: ServerResponse,
  { allowOrigin }: Pick<ListenPlace, 'allowOrigin'>,
): void {
  if (allowOrigin === undefined) return;
  response.setHeader('vary', 'Origin');
  if (request.headers.origin !== allowOrigin) return;
  response.setHeader('access-control-allow-origin', allowOrigin);
  response.setHeader('access-control-expose-headers', 'content-range, www-authenticate, mcp-session-id');
}

/** The question of a browser whether a page may call. */
export const isPreflight = ({ method, headers }: IncomingMessage): boolean =>
  method === 'OPTIONS' && headers.origin !== undefined && headers['access-control-request-method'] !== undefined;

export function answerPreflight(response: ServerResponse): void {
  response.writeHead(204, {
    'access-control-allow-methods': 'GET, POST, PUT, DELETE, OPTIONS',
    'access-control-allow-headers':
      'authorization, content-type, range, last-event-id, mcp-session-id, mcp-protocol-version, mcp-method, mcp-name',
    'access-control-max-age': '600',
  });
  response.end();
}

export function checkToken(
  request: IncomingMessage,
  { admits, tokenFile }: Access,
  { isLoopback: isHere }: Pick<ListenPlace, 'isLoopback'>,
): void {
  if (admits(request.headers.authorization)) return;
  // Paths of this machine are nobody else's business.
  const where =
    tokenFile === undefined ? 'AGENT_EXEC_SERVE_TOKEN of the server' : isHere ? tokenFile : 'its token file';
  throw new Failure(
    'unauthorized',
    `the token is missing or wrong: send "Authorization: Bearer TOKEN", as in ${where}`,
  );
}
