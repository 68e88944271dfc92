/** The past of a fleet, asked for: runs that ended, and those that have begun and not ended. */
import {
  createReader,
  type EventStarted,
  ExecResult,
  type ResultVerdict,
  resultSubject,
  streams,
  verdictOf,
} from '@kanade/shared/fleet';
import type { JsMsg } from '@nats-io/jetstream';
import { checkId } from '../catalogue/bucket.ts';
import type { Fleet } from '../connection/connect-fleet.ts';
import { isRefused, translate } from '../fault/translate.ts';
import { readHeld } from '../stream/read-held.ts';
import { readNewest } from '../stream/read-newest.ts';
import { readValue } from '../stream/read-value.ts';
import { sequenceAt } from '../stream/sequence-at.ts';
import { type BegunRun, readBegun } from './begun-runs.ts';
import {
  createSieve,
  isAnswer,
  isBegun,
  type ResultQuestion,
  resultEndingOf,
  underParents,
} from './result-question.ts';

/** Results that are looked through for one question. */
export const searchMessagesMaxDefault = 250_000;

export interface FindResultsOptions extends ResultQuestion {
  /** The exec id of the order whose request id is given. */
  readonly execId?: string | undefined;
  /** Only those before this sequence: the rest of what an earlier call found. */
  readonly before?: number | undefined;
  /** How many are wanted. */
  readonly limit: number;
  /** Also runs that have begun and not ended; `only` looks for them as far back as the oldest of them, and for nothing else. */
  readonly running?: 'with' | 'only' | undefined;
  readonly searchMessagesMax?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A result as it was found; what the run printed is left out. */
export interface FoundResult {
  /** Its place in the stream. */
  readonly sequence: number;
  readonly result: ExecResult;
  readonly verdict: ResultVerdict;
  /** Absent: an older agent did not say. */
  readonly ending?: string;
}

export interface FoundResults {
  /** The newest first; an after-run behind its run. */
  readonly results: readonly FoundResult[];
  /** Runs that have begun and whose result has not come, the newest first; as far back as results were looked through. */
  readonly running: readonly EventStarted[];
  /** False when there may be more. */
  readonly complete: boolean;
  /** Where to go on, as `before`, when there may be more. */
  readonly next?: number;
  /** What the broker does not let this user look up. */
  readonly unknown: readonly 'running'[];
}

/**
 * Looks results up in the stream that keeps them for 30 days, from its end, in pieces that are forgotten as soon as they are looked
 * through. Each result once, however often it came. Throws FleetError.
 */
export async function findResults(fleet: Fleet, options: FindResultsOptions): Promise<FoundResults> {
  const { requestId, jobId, pcs = [], signal } = options;
  if (requestId !== undefined) checkId('a request id', requestId);
  if (jobId !== undefined) checkId('an exec id or job id', jobId);
  for (const pc of pcs) checkId('a machine', pc);
  try {
    return await search(fleet, options);
  } catch (error) {
    throw translate(error, 'looking for results', signal);
  }
}

async function search(fleet: Fleet, options: FindResultsOptions): Promise<FoundResults> {
  const { running, limit } = options;
  const begun = running === undefined ? noRuns : await runsBegun(fleet, options);
  const look = createLook(options, begun.runs);
  const searched = running === 'only' && begun.runs.size === 0 ? nothingToDo : await readResults(fleet, look, options);
  // Of what began before the oldest result that was looked at nobody knows whether it has ended.
  const isDecided = ({ atMs }: BegunRun): boolean => searched.isWhole || atMs >= look.reachedMs();
  const open = [...begun.runs.values()].filter(isDecided);
  const complete = searched.complete && begun.complete;
  return {
    results: underParents(distinct(searched.found), ({ result }) => result),
    running: open.slice(0, limit).map(({ started }) => started),
    complete: complete && open.length <= limit,
    ...(searched.next === undefined ? {} : { next: searched.next }),
    unknown: begun.unknown,
  };
}

/** Each result once, however often it came: where it came last. */
function distinct(found: readonly FoundResult[]): FoundResult[] {
  const seen = new Map<string, FoundResult>();
  for (const one of found) {
    const { result_id, request_id, pc_id } = one.result;
    // Agents older than result ids leave it empty.
    const id = result_id || `${request_id}|${pc_id}`;
    if (!seen.has(id)) seen.set(id, one);
  }
  return [...seen.values()];
}

interface Begun {
  readonly runs: Map<string, BegunRun>;
  readonly complete: boolean;
  readonly unknown: readonly 'running'[];
}

const noRuns: Begun = { runs: new Map(), complete: true, unknown: [] };

async function runsBegun(fleet: Fleet, options: FindResultsOptions): Promise<Begun> {
  const { execId, sinceMs, signal } = options;
  const isMeant = (started: EventStarted): boolean => isBegun(started, options);
  try {
    return { ...(await readBegun(fleet, { execId, sinceMs, isMeant, signal })), unknown: [] };
  } catch (error) {
    if (!isRefused(error)) throw error;
    return { ...noRuns, unknown: ['running'] };
  }
}

interface Searched {
  readonly found: readonly FoundResult[];
  readonly complete: boolean;
  readonly next: number | undefined;
  /** Back to the beginning of what was asked for. */
  readonly isWhole: boolean;
}

const nothingToDo: Searched = { found: [], complete: true, next: undefined, isWhole: true };

interface Look {
  /** What a message answers, if it does. */
  read(message: JsMsg): FoundResult | undefined;
  /** When the broker got the oldest of those that were looked at, in ms. */
  reachedMs(): number;
  isDone(): boolean;
}

function createLook(question: FindResultsOptions, begun: Map<string, BegunRun>): Look {
  const readResult = createReader(ExecResult);
  const mayAnswer = createSieve(question);
  let reachedMs = Number.POSITIVE_INFINITY;
  const oldestMs = [...begun.values()].at(-1)?.atMs ?? 0;
  return {
    read(message) {
      reachedMs = Math.min(reachedMs, Number(message.timestampNanos) / 1e6);
      if (!mayAnswer(message.data)) return undefined;
      const result = readValue(message, readResult);
      if (!result) return undefined;
      begun.delete(result.result_id);
      if (question.running === 'only' || !isAnswer(result, question)) return undefined;
      const ending = resultEndingOf(result);
      const bare = { ...result, stdout: '', stderr: '' };
      return { sequence: message.seq, result: bare, verdict: verdictOf(result), ...(ending ? { ending } : {}) };
    },
    reachedMs: () => reachedMs,
    isDone: () => question.running === 'only' && (begun.size === 0 || reachedMs < oldestMs),
  };
}

async function readResults(fleet: Fleet, look: Look, options: FindResultsOptions): Promise<Searched> {
  const stream = streams.results;
  const { sinceMs, untilMs, signal } = options;
  const at = (atMs: number | undefined) =>
    atMs === undefined ? undefined : sequenceAt(fleet, { stream, atMs, signal });
  const [from, until] = await Promise.all([at(sinceMs), at(untilMs)]);
  const before = Math.min(options.before ?? Number.POSITIVE_INFINITY, until ?? Number.POSITIVE_INFINITY);
  if (options.requestId !== undefined) return readOrder(fleet, look, { ...options, from, before });
  const { found, complete, next } = await readNewest(fleet, {
    ...{ stream, from, before, signal },
    limit: options.running === 'only' ? Number.POSITIVE_INFINITY : options.limit,
    searchMessagesMax: options.searchMessagesMax ?? searchMessagesMaxDefault,
    read: look.read,
    isDone: look.isDone,
  });
  const isDone = look.isDone();
  return { found, complete: complete || isDone, next: isDone ? undefined : next, isWhole: complete };
}

/** All results of one order; the broker knows which they are. */
async function readOrder(
  fleet: Fleet,
  look: Look,
  {
    requestId = '',
    from = 1,
    before,
    limit,
    signal,
  }: FindResultsOptions & { from?: number | undefined; before: number },
): Promise<Searched> {
  const found: FoundResult[] = [];
  let count = 0;
  const request = { stream: streams.results, filter: resultSubject(requestId), from, signal };
  for await (const message of readHeld(fleet, request)) {
    if (message.seq >= before) break;
    const result = look.read(message);
    if (!result) continue;
    count++;
    found.push(result);
    if (found.length > limit) found.shift();
  }
  const complete = count <= limit;
  return { found: found.reverse(), complete, next: complete ? undefined : found.at(-1)?.sequence, isWhole: true };
}
