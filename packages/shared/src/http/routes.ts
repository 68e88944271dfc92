/**
 * The routes of the HTTP door (contract, section 8.1), in one table: what is dispatched, what is documented (`/openapi.json`) and what the
 * tests hold the answers against.
 */
import type * as z from 'zod';
import type { jobResponses } from '../job/response.ts';
import type { JobErrorCode } from '../job/words.ts';
import {
  DeleteQuery,
  EventsQuery,
  ExecRequest,
  KillQuery,
  ListQuery,
  noQuery,
  TagRequest,
  TailQuery,
  WaitQuery,
} from './request.ts';

export interface HttpRoute {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** `{id}` and `{stream}` stand for one segment each. */
  readonly path: string;
  readonly summary: string;
  /** Needs no token. */
  readonly isPublic?: boolean;
  readonly query: z.ZodObject;
  readonly body?: z.ZodType;
  /** The `type` of its answer; or what it is, where it is no answer of the command line. */
  readonly answer: keyof typeof jobResponses | 'document' | 'events' | 'bytes';
  /** What can go wrong besides what can go wrong with every request. */
  readonly errors: readonly JobErrorCode[];
}

/** Errors of every route: the guard, the limits, the disk. */
export const errorsOfEveryRoute = [
  'invalid_request',
  'forbidden',
  'busy',
  'internal_error',
] as const satisfies readonly JobErrorCode[];

/** And of those that need the token. */
export const errorsOfToken = ['unauthorized'] as const satisfies readonly JobErrorCode[];

const ofJob = ['job_not_found', 'ambiguous_job_id', 'io_error'] as const satisfies readonly JobErrorCode[];
const ofBody = ['wrong_content_type', 'body_too_large'] as const satisfies readonly JobErrorCode[];

export const httpRoutes = {
  health: {
    method: 'GET',
    path: '/health',
    summary: 'the server is there',
    isPublic: true,
    query: noQuery,
    answer: 'health',
    errors: [],
  },
  document: {
    method: 'GET',
    path: '/openapi.json',
    summary: 'this document',
    isPublic: true,
    query: noQuery,
    answer: 'document',
    errors: [],
  },
  exec: {
    method: 'POST',
    path: '/exec',
    summary: 'start a job, observe it for a while, answer',
    query: noQuery,
    body: ExecRequest,
    answer: 'run',
    errors: [...ofBody, ...ofJob, 'invalid_input', 'invalid_tag', 'stdin_too_large', 'launch_failed', 'root_full'],
  },
  status: {
    method: 'GET',
    path: '/status/{id}',
    summary: 'where a job stands',
    query: noQuery,
    answer: 'status',
    errors: ofJob,
  },
  tail: {
    method: 'GET',
    path: '/tail/{id}',
    summary: 'the last lines of what a job has printed, or what came since a cursor',
    query: TailQuery,
    answer: 'tail',
    errors: [...ofJob, 'invalid_cursor'],
  },
  wait: {
    method: 'GET',
    path: '/wait/{id}',
    summary: 'wait for the end of a job, or for a line of its output',
    query: WaitQuery,
    answer: 'wait',
    errors: [...ofJob, 'invalid_cursor', 'invalid_pattern', 'interrupted'],
  },
  events: {
    method: 'GET',
    path: '/events/{id}',
    summary:
      'what a job prints as it prints it, until it has ended: server-sent events, output and end, whose data are as in tail with a cursor; the id of an event is its cursor',
    query: EventsQuery,
    answer: 'events',
    errors: [...ofJob, 'invalid_cursor'],
  },
  kill: {
    method: 'POST',
    path: '/kill/{id}',
    summary: 'stop a job and everything it started; a body is ignored',
    query: KillQuery,
    answer: 'kill',
    errors: [...ofJob, 'invalid_state', 'interrupted'],
  },
  list: {
    method: 'GET',
    path: '/jobs',
    summary: 'the jobs, newest first',
    query: ListQuery,
    answer: 'list',
    errors: [],
  },
  delete: {
    method: 'DELETE',
    path: '/jobs/{id}',
    summary: 'delete a job that does not run',
    query: DeleteQuery,
    answer: 'delete',
    errors: [...ofJob, 'invalid_state'],
  },
  tags: {
    method: 'PUT',
    path: '/tags/{id}',
    summary: 'replace the tags of a job',
    query: noQuery,
    body: TagRequest,
    answer: 'tag_set',
    errors: [...ofJob, ...ofBody, 'invalid_state', 'invalid_tag'],
  },
  log: {
    method: 'GET',
    path: '/log/{id}/{stream}',
    summary: 'what a job has printed so far on stdout or stderr, byte by byte; Range takes a part',
    query: noQuery,
    answer: 'bytes',
    errors: [...ofJob, 'unknown_route', 'range_not_satisfiable'],
  },
} as const satisfies Readonly<Record<string, HttpRoute>>;

export type HttpRouteName = keyof typeof httpRoutes;

/** What stands behind the `?` of a route, and in the body of those that take one. */
export type HttpQuery<N extends HttpRouteName> = z.output<(typeof httpRoutes)[N]['query']>;
export type HttpBody<N extends HttpRouteName> = (typeof httpRoutes)[N] extends { body: infer B extends z.ZodType }
  ? z.output<B>
  : undefined;
