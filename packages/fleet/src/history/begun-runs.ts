/** Runs that have begun, as machines told; how they ended, if they did, stands among the results. */
import { anyStart, createReader, EventStarted, startsOf, streams } from '@kanade/shared/fleet';
import type { Fleet } from '../connection/connect-fleet.ts';
import { isMissingStream } from '../fault/translate.ts';
import { readNewest } from '../stream/read-newest.ts';
import { readValue } from '../stream/read-value.ts';
import { sequenceAt } from '../stream/sequence-at.ts';

/** Runs that are kept in mind at a time; the newest of them. */
const runsMax = 20_000;
const searchMessagesMax = 200_000;

export interface BegunRun {
  readonly started: EventStarted;
  /** When the broker heard of it, in ms. */
  readonly atMs: number;
}

export interface BegunQuestion {
  /** Of one order. */
  readonly execId?: string | undefined;
  readonly sinceMs?: number | undefined;
  isMeant(started: EventStarted): boolean;
  /** How many are wanted; default 20,000. */
  readonly limit?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** By result id, the newest first; none where nobody keeps such events. `complete` is false when there may be older ones. */
export async function readBegun(
  fleet: Fleet,
  { execId, sinceMs, isMeant, limit = runsMax, signal }: BegunQuestion,
): Promise<{ readonly runs: Map<string, BegunRun>; readonly complete: boolean }> {
  const readStarted = createReader(EventStarted);
  const stream = streams.events;
  const runs = new Map<string, BegunRun>();
  try {
    const from = sinceMs === undefined ? undefined : await sequenceAt(fleet, { stream, atMs: sinceMs, signal });
    const { found, complete } = await readNewest(fleet, {
      ...{ stream, from, limit, searchMessagesMax, signal },
      filter: execId === undefined ? anyStart : startsOf(execId),
      read(message): BegunRun | undefined {
        const started = readValue(message, readStarted);
        if (!started || !isMeant(started)) return undefined;
        return { started, atMs: Number(message.timestampNanos) / 1e6 };
      },
    });
    for (const run of found) if (!runs.has(run.started.result_id)) runs.set(run.started.result_id, run);
    return { runs, complete };
  } catch (error) {
    if (isMissingStream(error)) return { runs, complete: true };
    throw error;
  }
}
