/** The HTTP door as an OpenAPI document: routes, what they take, every answer with its status. */
import * as z from 'zod';
import { nameOfAnswer } from '../job/json-schema.ts';
import { jobResponses } from '../job/response.ts';
import { type JobErrorCode, jobErrors } from '../job/words.ts';
import { errorsOfEveryRoute, errorsOfToken, type HttpRoute, httpRoutes } from './routes.ts';

type Json = Record<string, unknown>;

/** OpenAPI 3.1 of the routes, for the version of the program that serves them. */
export function openApiDocument(version: string): Json {
  const paths: Record<string, Json> = {};
  for (const [name, route] of Object.entries<HttpRoute>(httpRoutes)) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operationOf(name, route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Jobs of this machine',
      version,
      description: 'Starts jobs, waits for them, reads what they print, stops them. Every job outlives this server.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    paths,
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      schemas: Object.fromEntries(
        Object.entries(jobResponses).map(([type, schema]) => [nameOfAnswer(type), schemaOf(schema)]),
      ),
    },
  };
}

function operationOf(name: string, route: HttpRoute): Json {
  const ids = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, segment = '']) => pathParameter(segment));
  const parameters = [...ids, ...queryParameters(route.query), ...(headers[name] ?? [])];
  return {
    operationId: name,
    summary: route.summary,
    security: route.isPublic ? [] : [{ token: [] }],
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(route.body
      ? { requestBody: { required: true, content: { 'application/json': { schema: schemaOf(route.body) } } } }
      : {}),
    responses: { ...successOf(name, route), ...failuresOf(route) },
  };
}

/** Headers that a route reads. */
const headers: Readonly<Record<string, readonly Json[]>> = {
  events: [headerParameter('Last-Event-ID', 'the id of the last event that arrived: go on behind it')],
  log: [headerParameter('Range', 'one range of bytes, such as bytes=0-1023, bytes=1024- or bytes=-1024')],
};

function headerParameter(name: string, description: string): Json {
  return { name, in: 'header', required: false, description, schema: { type: 'string' } };
}

function pathParameter(name: string): Json {
  const schema = name === 'stream' ? { type: 'string', enum: ['stdout', 'stderr'] } : { type: 'string' };
  const description = name === 'id' ? 'id of a job, or the beginning of one that only it has' : 'which log';
  return { name, in: 'path', required: true, description, schema };
}

function queryParameters(query: z.ZodObject): Json[] {
  const { properties = {} } = schemaOf(query) as { properties?: Record<string, Json> };
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: 'query',
    required: false,
    ...(description === undefined ? {} : { description }),
    schema,
  }));
}

function successOf(name: string, { answer }: HttpRoute): Json {
  if (answer === 'document') return { 200: content('an OpenAPI document', 'application/json', { type: 'object' }) };
  if (answer === 'events') {
    const none = { description: 'the job has ended, and all was told before: do not come back' };
    return { 200: content('events as they happen', 'text/event-stream', { type: 'string' }), 204: none };
  }
  if (answer === 'bytes') {
    const part = content('a part of it', 'application/octet-stream', {});
    return {
      200: content('all of it', 'application/octet-stream', {}),
      206: { ...part, headers: { 'Content-Range': { schema: { type: 'string' } } } },
    };
  }
  const schema = { $ref: `#/components/schemas/${nameOfAnswer(answer)}` };
  return { 200: content(`the answer of ${name}`, 'application/json', schema) };
}

/** Statuses of the errors, each with the codes that it may carry. */
function failuresOf(route: HttpRoute): Json {
  const codes: JobErrorCode[] = [...errorsOfEveryRoute, ...(route.isPublic ? [] : errorsOfToken), ...route.errors];
  const facts: Readonly<Record<JobErrorCode, { readonly when: string; readonly http?: number }>> = jobErrors;
  const answers: Json = {};
  for (const status of new Set(codes.map((code) => facts[code].http ?? 500))) {
    const meant = codes.filter((code) => (facts[code].http ?? 500) === status);
    const schema = {
      allOf: [
        { $ref: '#/components/schemas/ErrorResponse' },
        { properties: { error: { properties: { code: { enum: meant } } } } },
      ],
    };
    answers[status] = content(
      meant.map((code) => `${code}: ${facts[code].when}`).join('; '),
      'application/json',
      schema,
    );
  }
  return answers;
}

const content = (description: string, type: string, schema: Json): Json => ({
  description,
  content: { [type]: { schema } },
});

function schemaOf(schema: z.ZodType): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    target: 'draft-2020-12',
    io: 'input',
    unrepresentable: 'any',
  });
  return rest;
}
