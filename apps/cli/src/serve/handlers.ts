/** What each route does. What is answered of a job is made in `door/`; here it is only asked for. */
import { type JobDefinition, parseSignal } from '@kanade/runner';
import { type HttpBody, type HttpRouteName, openApiDocument } from '@kanade/shared/http';
import { isTag, isTagFilter } from '@kanade/shared/job-words';
import { Failure } from '../answer/answer.ts';
import type { Answer } from '../call/command.ts';
import { answerDelete } from '../door/delete.ts';
import { answerKill } from '../door/kill.ts';
import { answerLaunched } from '../door/launched.ts';
import { lineMatchOf } from '../door/line-match.ts';
import { answerListInTurns } from '../door/list.ts';
import { answerStatus } from '../door/status.ts';
import { answerTagSet } from '../door/tag-set.ts';
import { answerTail } from '../door/tail.ts';
import { turnOf } from '../door/turn.ts';
import { answerWait } from '../door/wait.ts';
import { canonical } from '../local/settings.ts';
import { productVersion } from '../version.ts';
import type { Asked, Room } from './room.ts';
import { sendEvents } from './send-events.ts';
import { sendLog } from './send-log.ts';

/** An answer for the envelope; a document as it is; undefined: it is answered already. */
type Answered = Answer | { readonly document: unknown } | undefined;

type Handlers = { readonly [N in HttpRouteName]: (asked: Asked<N>) => Answered | Promise<Answered> };

/** Bytes of output per stream in an answer, whatever was asked for: the log itself comes in parts of any size. */
const answerBytesMax = 1024 * 1024;

const bounded = (bytes: number | undefined): number | undefined =>
  bytes === undefined ? undefined : Math.min(bytes, answerBytesMax);

export const handlers: Handlers = {
  health: () => ({ type: 'health' }),
  document: () => ({ document: openApiDocument(productVersion()) }),
  exec,
  status: ({ room, id }) => answerStatus(room.jobs, id),
  tail: ({ room, id, query: { cursor, lines, max_bytes: most } }) =>
    answerTail(room.jobs, id, { cursor, lines, bytesMax: bounded(most) }),
  wait({ room, id, query, signal }) {
    const { until = 'forever', cursor, match, match_type: type, stream } = query;
    return answerWait(room.jobs, id, { until, cursor, match: lineMatchOf({ match, type, stream }), signal });
  },
  events: sendEvents,
  kill,
  list({ room, query, signal }) {
    const { limit, state, cwd, tag: tags = [] } = query;
    for (const tag of tags) if (!isTagFilter(tag)) throw new Failure('invalid_request', `not a tag filter: ${tag}`);
    const filter = {
      tags,
      ...(limit === undefined ? {} : { limit }),
      ...(state === undefined ? {} : { state }),
      ...(cwd === undefined ? {} : { cwd: canonical(cwd) }),
    };
    return answerListInTurns(room.jobs, filter, signal);
  },
  delete: ({ room, id, query }) => answerDelete(room.jobs, id, query.dry_run ?? false),
  tags({ room, id, body }) {
    checkTags(body.tags);
    return answerTagSet(room.jobs, id, body.tags);
  },
  log: sendLog,
};

async function exec({ room, body, signal }: Asked<'exec'>): Promise<Answer> {
  const startedMs = performance.now();
  checkTags(body.tags ?? []);
  const launched = room.jobs.launch(definitionOf(body, room));
  const until = body.wait === false ? 'none' : body.until;
  const observed = { type: 'run', startedMs, until, bytesMax: bounded(body.max_bytes), signal } as const;
  try {
    const { env_vars: _, ...answer } = await answerLaunched(room.jobs, launched, observed);
    return answer as Answer;
  } finally {
    launched.release();
  }
}

/** Values of variables are hidden, all of them: nobody but the job has asked for them. */
function definitionOf(body: HttpBody<'exec'>, { cwd, config, jobs }: Room): JobDefinition {
  const env = Object.entries(body.env ?? {});
  const bad = env.find(([key]) => key === '' || key.includes('='));
  if (bad) throw new Failure('invalid_request', `env: ${JSON.stringify(bad[0])} is no name of a variable`);
  const { log_bytes: logBytesMax, log_overflow: logOverflow } = config.limits ?? {};
  return {
    command: body.command,
    cwd: canonical(body.cwd ?? cwd),
    env: env.map(([key, value]) => `${key}=${value}`),
    mask: env.map(([key]) => key),
    tags: [...new Set(body.tags ?? [])],
    timeoutMs: Math.ceil((body.timeout ?? 0) * 1000),
    ...(config.shell ? { shellWrapper: config.shell } : {}),
    ...(body.stdin === undefined ? {} : { stdin: Buffer.from(body.stdin) }),
    ...(logBytesMax === undefined ? {} : { logBytesMax }),
    ...(logOverflow ? { logOverflow } : {}),
    ...turnOf({ ...body, afterAny: body.after_any }, jobs),
  };
}

/** Goes on when its client leaves: what was asked to stop is stopped, with all that it takes. */
function kill({ room, id, query }: Asked<'kill'>): Promise<Answer> {
  const { signal, no_wait: noWait } = query;
  if (signal !== undefined && !parseSignal(signal))
    throw new Failure('invalid_request', `signal: ${JSON.stringify(signal)} is none: TERM, INT, HUP, USR1, KILL`);
  const answered = answerKill(room.jobs, id, { signal, noWait });
  const forget = (): void => void room.unfinished.delete(answered);
  room.unfinished.add(answered);
  answered.then(forget, forget);
  return answered;
}

function checkTags(tags: readonly string[]): void {
  const bad = tags.find((tag) => !isTag(tag));
  if (bad !== undefined)
    throw new Failure('invalid_tag', `not a tag: ${JSON.stringify(bad)}; letters, digits and hyphens, joined by dots`);
}
