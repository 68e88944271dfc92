import { createReader, EventStarted, ExecResult, resultSubject, startsOf, streams } from '@kanade/shared/fleet';
import type { Fleet } from '../connection/connect-fleet.ts';
import { isMissingStream } from '../fault/translate.ts';
import { readHeld } from '../stream/read-held.ts';
import { readValue } from '../stream/read-value.ts';

/** Runs of an order that have begun: result id → machine. None where nobody keeps such events. */
export async function readRuns(
  fleet: Fleet,
  execId: string,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, string>> {
  const runs = new Map<string, string>();
  const readStarted = createReader(EventStarted);
  try {
    for await (const message of readHeld(fleet, {
      stream: streams.events,
      filter: startsOf(execId),
      from: 1,
      signal,
    })) {
      const started = readValue(message, readStarted);
      if (started) runs.set(started.result_id, started.pc_id);
    }
  } catch (error) {
    if (!isMissingStream(error)) throw error;
  }
  return runs;
}

/** Runs of an order that have ended: result id → machine. */
export async function readEnds(
  fleet: Fleet,
  requestId: string,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, string>> {
  const ends = new Map<string, string>();
  const readResult = createReader(ExecResult);
  const filter = resultSubject(requestId);
  for await (const message of readHeld(fleet, { stream: streams.results, filter, from: 1, signal })) {
    const result = readValue(message, readResult);
    if (result) ends.set(result.result_id, result.pc_id);
  }
  return ends;
}
