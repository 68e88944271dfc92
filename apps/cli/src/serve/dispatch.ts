/** From a request to the handler of its route, by the table in `shared`. */
import {
  type Fault,
  type HttpRoute,
  type HttpRouteName,
  httpRoutes,
  readHttpBody,
  readHttpQuery,
} from '@kanade/shared/http';
import { envelopeOf, Failure } from '../answer/answer.ts';
import { readJson } from '../listen/body.ts';
import { type Exchange, sendJson } from '../listen/listener.ts';
import { handlers } from './handlers.ts';
import type { Room } from './room.ts';

const routes = Object.entries<HttpRoute>(httpRoutes) as [HttpRouteName, HttpRoute][];

export const isPublicPath = (path: string): boolean =>
  routes.some(([, route]) => route.isPublic && route.path === path);

/** Answers every request to a room. */
export function createDispatch(room: Room): (exchange: Exchange) => Promise<void> {
  return async (exchange) => {
    const { request, response, signal, path, query } = exchange;
    const { name, route, segments } = findRoute(exchange, path);
    const read = readHttpQuery(route.query, query);
    if (!read.ok) throw invalid('the query', read.faults);
    const body = route.body ? await bodyOf(exchange, route.body) : undefined;
    const asked = { room, request, response, signal, id: '', stream: '', ...segments, query: read.value, body };
    const answered = await handlers[name](asked as never);
    if (answered === undefined) return;
    sendJson(response, 200, 'document' in answered ? answered.document : envelopeOf(answered as never));
  };
}

async function bodyOf(
  { request, response, limits }: Exchange,
  schema: NonNullable<HttpRoute['body']>,
): Promise<unknown> {
  const read = readHttpBody(schema, await readJson(request, response, limits.bodyBytesMax));
  if (!read.ok) throw invalid('the body', read.faults);
  return read.value;
}

function invalid(what: string, faults: readonly Fault[]): Failure {
  const said = faults.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ');
  return new Failure('invalid_request', `${what} is not what this endpoint takes: ${said}`, { details: { faults } });
}

interface Found {
  readonly name: HttpRouteName;
  readonly route: HttpRoute;
  readonly segments: Readonly<Record<string, string>>;
}

function findRoute({ request, response }: Pick<Exchange, 'request' | 'response'>, path: string): Found {
  const found = routes.flatMap(([name, route]) => {
    const segments = segmentsOf(route.path, path);
    return segments ? [{ name, route, segments }] : [];
  });
  if (found.length === 0)
    throw new Failure('unknown_route', `there is nothing at ${path}: GET /openapi.json lists what is`);
  const meant = found.find(({ route }) => route.method === request.method);
  if (meant) return meant;
  const methods = found.map(({ route }) => route.method).join(', ');
  response.setHeader('allow', methods);
  throw new Failure('method_not_allowed', `${path} takes ${methods}, not ${request.method}`);
}

/** What the segments of a path stand for; undefined when it is another path. What cannot be decoded stays as it is: no job is called so. */
function segmentsOf(template: string, path: string): Record<string, string> | undefined {
  const wanted = template.split('/');
  const given = path.split('/');
  if (wanted.length !== given.length) return undefined;
  const segments: Record<string, string> = {};
  for (const [at, word] of wanted.entries()) {
    const text = given[at] ?? '';
    if (word.startsWith('{')) segments[word.slice(1, -1)] = decoded(text);
    else if (word !== text) return undefined;
  }
  return segments;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
