import { type JsMsg, jetstreamManager } from '@nats-io/jetstream';
import { type Fleet, requestTimeoutMsDefault } from '../connection/connect-fleet.ts';
import { abortable } from '../fault/abortable.ts';
import { readHeld } from './read-held.ts';

/** Messages that are looked through for one question, and how many at a time. */
export const searchMessagesMaxDefault = 20_000;
const windowMessages = 500;

export interface NewestRequest<T> {
  readonly stream: string;
  /** Default: everything in the stream. */
  readonly filter?: string | undefined;
  /** How many are wanted. */
  readonly limit: number;
  /** Default {@link searchMessagesMaxDefault}. */
  readonly searchMessagesMax?: number | undefined;
  /** What a message is; undefined for one that is not wanted. */
  read(message: JsMsg): T | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Newest<T> {
  /** The newest first. */
  readonly found: readonly T[];
  /** False when there may be more: the limit was reached, or the search came to its bound. */
  readonly complete: boolean;
  /** The last sequence of the stream when the search began: what comes later is newer than all of these. */
  readonly lastSequence: number;
}

/**
 * The newest messages that are wanted. Reads the stream from its end in pieces, until enough are found, so that a question about
 * today does not read a month.
 */
export async function readNewest<T>(fleet: Fleet, request: NewestRequest<T>): Promise<Newest<T>> {
  const { stream, limit, searchMessagesMax = searchMessagesMaxDefault, signal } = request;
  const manager = await jetstreamManager(fleet.connection, { timeout: requestTimeoutMsDefault, checkAPI: false });
  const { state } = await abortable(manager.streams.info(stream), signal);
  const oldest = Math.max(state.first_seq, state.last_seq - searchMessagesMax + 1, 1);
  const found: T[] = [];
  let from = state.last_seq + 1;
  while (from > oldest && found.length < limit) {
    const to = from - 1;
    from = Math.max(oldest, from - windowMessages);
    found.push(...(await readWindow(fleet, request, { from, to })).reverse());
  }
  const complete = from <= Math.max(state.first_seq, 1) && found.length <= limit;
  return { found: found.slice(0, limit), complete, lastSequence: state.last_seq };
}

async function readWindow<T>(
  fleet: Fleet,
  { stream, filter, read, signal }: NewestRequest<T>,
  { from, to }: { from: number; to: number },
): Promise<T[]> {
  const wanted: T[] = [];
  for await (const message of readHeld(fleet, { stream, filter, from, signal })) {
    if (message.seq > to) break;
    const value = read(message);
    if (value !== undefined) wanted.push(value);
    if (message.seq === to) break;
  }
  return wanted;
}
