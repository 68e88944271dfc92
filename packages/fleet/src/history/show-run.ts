/** One run, and all that is known of it. */
import {
  type AuditRecord,
  createReader,
  type EventStarted,
  ExecResult,
  objectStores,
  streams,
  verdictOf,
} from '@kanade/shared/fleet';
import { checkId } from '../catalogue/bucket.ts';
import type { Fleet } from '../connection/connect-fleet.ts';
import { FleetError } from '../fault/fleet-error.ts';
import { isRefused, translate } from '../fault/translate.ts';
import { objectInfo } from '../objects/object-info.ts';
import { readObject } from '../objects/read-object.ts';
import { readOrderRecord } from '../orders/find-order.ts';
import type { MissingOutput } from '../results/follow-results.ts';
import { readNewest } from '../stream/read-newest.ts';
import { readValue } from '../stream/read-value.ts';
import { readBegun } from './begun-runs.ts';
import { type FoundResult, searchMessagesMaxDefault } from './find-results.ts';
import { resultAt } from './read-result.ts';
import { createSieve, resultEndingOf } from './result-question.ts';

/** What is known of a run: that it began, how it ended, or both. */
export interface ShownRun {
  readonly found: FoundResult | undefined;
  readonly started: EventStarted | undefined;
  /** When the broker got the result, in ms. */
  readonly receivedMs: number | undefined;
  /** What ran after it and has a result of its own, in order. */
  readonly after: readonly FoundResult[];
  /** Who ordered it, from where, for whom. */
  readonly order: AuditRecord | undefined;
  /** What the broker does not let this user look up. */
  readonly unknown: readonly ('started' | 'order')[];
}

interface Asked {
  readonly signal?: AbortSignal | undefined;
}

/** The run of a result id, among the newest 250,000 results and those that have begun. Undefined when nobody knows it. Throws FleetError. */
export async function showRun(fleet: Fleet, runId: string, { signal }: Asked = {}): Promise<ShownRun | undefined> {
  checkId('a run id', runId);
  try {
    const ended = await findEnd(fleet, runId, signal);
    const unknown: ('started' | 'order')[] = [];
    const allowed = async <T>(what: 'started' | 'order', look: Promise<T>): Promise<T | undefined> =>
      look.catch((error: unknown) => {
        if (!isRefused(error)) throw error;
        unknown.push(what);
        return undefined;
      });
    const execId = ended.found?.result.exec_id ?? undefined;
    const started =
      ended.found && execId === undefined
        ? undefined
        : await allowed('started', findStart(fleet, { runId, execId, signal }));
    if (!ended.found && !started) return undefined;
    const orderId = execId ?? started?.exec_id;
    const order = orderId === undefined ? undefined : await allowed('order', readOrderRecord(fleet, orderId, signal));
    return { ...ended, started, order, unknown };
  } catch (error) {
    throw translate(error, `looking for run ${runId}`, signal);
  }
}

async function findStart(
  fleet: Fleet,
  { runId, execId, signal }: Asked & { runId: string; execId: string | undefined },
): Promise<EventStarted | undefined> {
  const isMeant = ({ result_id }: EventStarted): boolean => result_id === runId;
  const { runs } = await readBegun(fleet, { execId, isMeant, limit: 1, signal });
  return runs.get(runId)?.started;
}

async function findEnd(
  fleet: Fleet,
  runId: string,
  signal: AbortSignal | undefined,
): Promise<Pick<ShownRun, 'found' | 'after' | 'receivedMs'>> {
  const mayBe = createSieve({ jobId: runId });
  const read = createReader(ExecResult);
  let found: FoundResult | undefined;
  let receivedMs: number | undefined;
  const { found: all } = await readNewest(fleet, {
    ...{
      stream: streams.results,
      limit: Number.POSITIVE_INFINITY,
      searchMessagesMax: searchMessagesMaxDefault,
      signal,
    },
    read(message): FoundResult | undefined {
      const result = mayBe(message.data) ? readValue(message, read) : undefined;
      if (!result || (result.result_id !== runId && result.parent_result_id !== runId)) return undefined;
      const ending = resultEndingOf(result);
      const bare = { ...result, stdout: '', stderr: '' };
      const one = { sequence: message.seq, result: bare, verdict: verdictOf(result), ...(ending ? { ending } : {}) };
      if (result.result_id !== runId) return one;
      found = one;
      receivedMs = message.time.getTime();
      return undefined;
    },
    isDone: () => found !== undefined,
  });
  return { found, receivedMs, after: all.toReversed() };
}

/**
 * What a run printed, in pieces of bytes as they come from the broker, whole pieces of a long output never all at once. Resolves with
 * why there is none, or why what was told is not all of it. Throws FleetError, and what `onBytes` throws.
 */
export async function readOutput(
  fleet: Fleet,
  { sequence, stream, onBytes, signal }: Asked & OutputRequest,
): Promise<MissingOutput | undefined> {
  try {
    const result = await resultAt(fleet, sequence, signal);
    if (!result) throw new FleetError('broker_failed', 'the result has gone since it was found; try again');
    const object = result[`${stream}_object`];
    if (!object) {
      if (result[stream] !== '') await onBytes(new TextEncoder().encode(result[stream]));
      return undefined;
    }
    const look = await objectInfo(fleet.connection, { store: objectStores.resultOutput, name: object, signal });
    if (!look.ok) return { stream, object, reason: look.reason };
    try {
      for await (const bytes of readObject(fleet.connection, look.object, { signal })) await onBytes(bytes);
    } catch (error) {
      if (error instanceof FleetError && error.code === 'object_damaged') return { stream, object, reason: 'damaged' };
      throw error;
    }
    return undefined;
  } catch (error) {
    throw translate(error, `reading ${stream} of result ${sequence}`, signal);
  }
}

export interface OutputRequest {
  /** Of the result, as it was found. */
  readonly sequence: number;
  readonly stream: 'stdout' | 'stderr';
  /** Takes a piece; the next one is fetched when it has. */
  onBytes(bytes: Uint8Array): void | Promise<void>;
}
