/*
 * The one queue of frames on their way out of a connection. First in, first out; three levels:
 *   room     frames are queued, `send` answers at once
 *   full     droppable frames are dropped; the others are kept and `send` answers when they were handed to the stream
 *   overflow the peer does not read: the owner is told once and ends the connection
 * What is queued within one turn of the event loop goes out as one write.
 */
import type { Duplex } from 'node:stream';
import type { LimitPassed } from '../wire/error.ts';
import { encodeFrame, frameHeaderBytes, measureBody, measuredCharsMax, writeFrame } from '../wire/frame.ts';
import { createExpiry } from './expiry.ts';
import type { ChannelLimits } from './limits.ts';

/** `closed`: the connection ended before the frame was handed to the stream. */
export type SendOutcome = 'queued' | 'dropped' | 'closed';

export interface Outgoing {
  /** Throws `PayloadTooLarge` before anything is queued. */
  send(body: string, droppable: boolean): SendOutcome | Promise<SendOutcome>;
  /** Whether a droppable frame would be taken now. */
  hasRoom(): boolean;
  readonly full: boolean;
  /** Resolves when every frame was handed to the stream, or the queue was closed. */
  flushed(): Promise<void>;
  close(): void;
}

interface Entry {
  /** Text that is written together with others, or a whole frame, for a body that is large enough to go alone. */
  body: string | Buffer;
  /** Of the body on the wire. */
  bytes: number;
  settle: ((outcome: SendOutcome) => void) | undefined;
}

export interface OutgoingOptions {
  limits: ChannelLimits;
  /** The peer does not read what is sent to it. */
  onOverflow: (passed: LimitPassed) => void;
  /** The queue was full and has room again. */
  onRoom: () => void;
}

/** Bytes that are written together at most. */
const writeBytesMax = 65_536;

/** Frames that are written together: few enough for the peer to work on them while the next ones are made. */
const writeFramesMax = 12;

export function createOutgoing(duplex: Duplex, { limits, onOverflow, onRoom }: OutgoingOptions): Outgoing {
  let queue: Entry[] = [];
  let bytes = 0;
  let blockedAtMs: number | undefined;
  let isScheduled = false;
  let isClosed = false;
  let wasFull = false;
  let onFlushed: (() => void)[] = [];
  const stall = createExpiry(findStall);

  const isFull = () => queue.length >= limits.queueFramesMax || bytes >= limits.queueBytesMax;

  function pump(): void {
    isScheduled = false;
    while (!isClosed && blockedAtMs === undefined && queue.length > 0) writeSome();
    if (isClosed) return;
    if (queue.length === 0) release();
    if (wasFull && !isFull()) {
      wasFull = false;
      onRoom();
    }
  }

  /** Hands the first frames to the stream, as many as go into one write. */
  function writeSome(): void {
    const [first] = queue as [Entry];
    const count = typeof first.body === 'string' ? countTogether() : 1;
    const taken = count === queue.length ? queue : queue.splice(0, count);
    if (taken === queue) queue = [];
    const block = typeof first.body === 'string' ? writeTogether(taken) : first.body;
    bytes -= block.length - count * frameHeaderBytes;
    if (!duplex.write(block)) noteBlocked();
    for (const { settle } of taken) settle?.('queued');
  }

  function countTogether(): number {
    let total = 0;
    let count = 0;
    for (const entry of queue) {
      total += frameHeaderBytes + entry.bytes;
      if (typeof entry.body !== 'string' || (count > 0 && total > writeBytesMax)) break;
      count += 1;
    }
    return count;
  }

  function noteBlocked(): void {
    blockedAtMs = performance.now();
    stall.note(blockedAtMs + limits.stallTimeoutMs);
  }

  function findStall(nowMs: number): number {
    if (blockedAtMs === undefined || isClosed) return Number.POSITIVE_INFINITY;
    const actual = nowMs - blockedAtMs;
    if (actual < limits.stallTimeoutMs) return blockedAtMs + limits.stallTimeoutMs;
    onOverflow({ limit: 'stallTimeoutMs', maximum: limits.stallTimeoutMs, actual: Math.round(actual) });
    return Number.POSITIVE_INFINITY;
  }

  function release(): void {
    for (const resolve of onFlushed) resolve();
    onFlushed = [];
  }

  duplex.on('drain', () => {
    blockedAtMs = undefined;
    pump();
  });

  function add(entry: Entry): void {
    queue.push(entry);
    bytes += entry.bytes;
    if (isFull()) wasFull = true;
    if (blockedAtMs !== undefined) return;
    if (queue.length >= writeFramesMax) {
      pump();
      return;
    }
    if (isScheduled) return;
    isScheduled = true;
    // Behind the promises of this turn, so that what they send goes along.
    process.nextTick(pump);
  }

  function hasRoom(): boolean {
    // A burst within one turn fills the queue although the stream would take it all.
    if (isFull() && blockedAtMs === undefined) pump();
    return !isFull();
  }

  function send(body: string, droppable: boolean): SendOutcome | Promise<SendOutcome> {
    if (isClosed) return 'closed';
    const entry = prepare(body);
    if (hasRoom()) {
      add(entry);
      return 'queued';
    }
    if (droppable) return 'dropped';
    const waiting = new Promise<SendOutcome>((settle) => add({ ...entry, settle }));
    if (queue.length > limits.backlogFramesMax) {
      onOverflow({ limit: 'backlogFramesMax', maximum: limits.backlogFramesMax, actual: queue.length });
    } else if (bytes > limits.backlogBytesMax) {
      onOverflow({ limit: 'backlogBytesMax', maximum: limits.backlogBytesMax, actual: bytes });
    }
    return waiting;
  }

  function prepare(body: string): Entry {
    if (body.length <= measuredCharsMax)
      return { body, bytes: measureBody(body, limits.bodyBytesMax), settle: undefined };
    const frame = encodeFrame(body, limits.bodyBytesMax);
    return { body: frame, bytes: frame.length - frameHeaderBytes, settle: undefined };
  }

  function close(): void {
    if (isClosed) return;
    isClosed = true;
    stall.clear();
    const lost = queue;
    queue = [];
    bytes = 0;
    for (const { settle } of lost) settle?.('closed');
    release();
  }

  return {
    send,
    hasRoom,
    get full() {
      return isFull();
    },
    flushed: () => (isClosed || queue.length === 0 ? Promise.resolve() : new Promise((done) => onFlushed.push(done))),
    close,
  };
}

function writeTogether(entries: readonly Entry[]): Buffer {
  const total = entries.reduce((sum, entry) => sum + frameHeaderBytes + entry.bytes, 0);
  const block = Buffer.allocUnsafe(total);
  let at = 0;
  for (const { body, bytes } of entries) at = writeFrame(block, at, { body: body as string, bytes });
  return block;
}
