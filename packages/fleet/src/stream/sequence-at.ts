import { jetstreamManager } from '@nats-io/jetstream';
import { type Fleet, requestTimeoutMsDefault } from '../connection/connect-fleet.ts';
import { abortable } from '../fault/abortable.ts';
import { readHeld } from './read-held.ts';

/** The broker counts in nanoseconds of 64 bits: what is later means this. */
const momentMsMax = Date.parse('2262-01-01T00:00:00Z');

/** The first sequence that a stream took at a moment or later, by the clock of the broker; behind its last one when there is none. */
export async function sequenceAt(
  fleet: Fleet,
  { stream, atMs, signal }: { stream: string; atMs: number; signal?: AbortSignal | undefined },
): Promise<number> {
  const manager = await jetstreamManager(fleet.connection, { timeout: requestTimeoutMsDefault, checkAPI: false });
  const { state } = await abortable(manager.streams.info(stream), signal);
  const from = { sinceMs: Math.min(Math.max(atMs, 0), momentMsMax) };
  for await (const { seq } of readHeld(fleet, { stream, from, headersOnly: true, batchMax: 1, signal })) return seq;
  return state.last_seq + 1;
}
