import { createReader, ExecResult, streams } from '@kanade/shared/fleet';
import type { Fleet } from '../connection/connect-fleet.ts';
import { translate } from '../fault/translate.ts';
import { type FollowedResult, withOutput } from '../results/follow-results.ts';
import { readHeld } from '../stream/read-held.ts';
import { readValue } from '../stream/read-value.ts';

/** A result by its place in the stream, with what the run printed; undefined when it has gone since it was found. Throws FleetError. */
export async function readResult(
  fleet: Fleet,
  sequence: number,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<FollowedResult | undefined> {
  try {
    const result = await resultAt(fleet, sequence, signal);
    return result && (await withOutput(fleet, result));
  } catch (error) {
    throw translate(error, `reading result ${sequence}`, signal);
  }
}

/** The result as it was sent. */
export async function resultAt(
  fleet: Fleet,
  sequence: number,
  signal: AbortSignal | undefined,
): Promise<ExecResult | undefined> {
  const request = { stream: streams.results, from: sequence, batchMax: 1, signal };
  for await (const message of readHeld(fleet, request)) {
    return message.seq === sequence ? readValue(message, createReader(ExecResult)) : undefined;
  }
  return undefined;
}
