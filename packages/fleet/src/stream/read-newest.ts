import { type JsMsg, jetstreamManager } from '@nats-io/jetstream';
import { type Fleet, requestTimeoutMsDefault } from '../connection/connect-fleet.ts';
import { abortable } from '../fault/abortable.ts';
import { readHeld } from './read-held.ts';

/** Messages that are looked through for one question, and their bytes. */
const searchMessagesMaxDefault = 20_000;
const searchBytesMax = 1_073_741_824;
/** How many are looked through at a time: few at first, because most questions are about what is new, and nobody knows how long they are. */
const [windowMessages, windowMessagesMax, windowBytesMax] = [128, 8_192, 33_554_432];
/** Of those, how many come at once. */
const batchMessagesMax = 1_024;

export interface NewestRequest<T> {
  readonly stream: string;
  /** Default: everything in the stream. */
  readonly filter?: string | undefined;
  /** How many are wanted. */
  readonly limit: number;
  /** Only those from this sequence on, and only those before that one. */
  readonly from?: number | undefined;
  readonly before?: number | undefined;
  /** Default {@link searchMessagesMaxDefault}. */
  readonly searchMessagesMax?: number | undefined;
  /** What a message is; undefined for one that is not wanted. */
  read(message: JsMsg): T | undefined;
  /** True when nothing further back is of use. Asked now and then. */
  isDone?(): boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface Newest<T> {
  /** The newest first. */
  readonly found: readonly T[];
  /** False when there may be more: the limit was reached, or the search came to its bound. */
  readonly complete: boolean;
  /** Where a search for the rest begins, as its `before`; undefined when this one was complete. */
  readonly next: number | undefined;
  /** Everything from this sequence on was looked through. */
  readonly reached: number;
  /** The last sequence of the stream when the search began: what comes later is newer than all of these. */
  readonly lastSequence: number;
}

/**
 * The newest messages that are wanted. Reads the stream from its end in pieces, until enough are found, so that a question about
 * today does not read a month.
 */
export async function readNewest<T>(fleet: Fleet, request: NewestRequest<T>): Promise<Newest<T>> {
  const { stream, limit, searchMessagesMax = searchMessagesMaxDefault, isDone, signal } = request;
  const manager = await jetstreamManager(fleet.connection, { timeout: requestTimeoutMsDefault, checkAPI: false });
  const { state } = await abortable(manager.streams.info(stream), signal);
  const top = Math.min(state.last_seq, (request.before ?? Number.POSITIVE_INFINITY) - 1);
  const oldest = Math.max(state.first_seq, request.from ?? 1, 1);
  const bound = Math.max(oldest, top - searchMessagesMax + 1);
  const found: Found<T>[] = [];
  let [reached, bytes, size] = [top + 1, 0, windowMessages];
  while (reached > bound && found.length < limit && bytes < searchBytesMax && !isDone?.()) {
    const to = reached - 1;
    reached = Math.max(bound, reached - size);
    const window = await readWindow(fleet, request, { from: reached, to });
    found.push(...window.wanted.reverse());
    bytes += window.bytes;
    size = nextSize(size, window.bytes);
  }
  const complete = reached <= oldest && found.length <= limit;
  const kept = found.slice(0, limit);
  const next = found.length > limit ? kept.at(-1)?.sequence : reached;
  return {
    found: kept.map(({ value }) => value),
    complete,
    next: complete ? undefined : next,
    reached,
    lastSequence: state.last_seq,
  };
}

/** Twice as many, unless so many would be too much at once. */
function nextSize(size: number, bytes: number): number {
  const fitting = Math.floor((windowBytesMax / Math.max(bytes, 1)) * size);
  return Math.max(1, Math.min(size * 2, windowMessagesMax, fitting));
}

interface Found<T> {
  readonly sequence: number;
  readonly value: T;
}

async function readWindow<T>(
  fleet: Fleet,
  { stream, filter, read, signal }: NewestRequest<T>,
  { from, to }: { from: number; to: number },
): Promise<{ wanted: Found<T>[]; bytes: number }> {
  const wanted: Found<T>[] = [];
  let bytes = 0;
  const batchMax = Math.min(to - from + 1, batchMessagesMax);
  for await (const message of readHeld(fleet, { stream, filter, from, batchMax, signal })) {
    if (message.seq > to) break;
    bytes += message.data.byteLength;
    const value = read(message);
    if (value !== undefined) wanted.push({ sequence: message.seq, value });
    if (message.seq === to) break;
  }
  return { wanted, bytes };
}
