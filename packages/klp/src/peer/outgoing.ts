/*
 * The one queue of frames on their way out of a connection. First in, first out; three levels:
 *   room     frames are queued, `send` answers at once
 *   full     droppable frames are dropped; the others are kept and `send` answers when they were handed to the stream
 *   overflow the peer does not read: the owner is told once and ends the connection
 */
import type { Duplex } from 'node:stream';
import type { LimitPassed } from '../wire/error.ts';
import type { ChannelLimits } from './limits.ts';

/** `closed`: the connection ended before the frame was handed to the stream. */
export type SendOutcome = 'queued' | 'dropped' | 'closed';

export interface Outgoing {
  send(frame: Buffer, droppable: boolean): SendOutcome | Promise<SendOutcome>;
  readonly full: boolean;
  /** Resolves when every frame was handed to the stream, or the queue was closed. */
  flushed(): Promise<void>;
  close(): void;
}

interface Entry {
  frame: Buffer;
  settle: ((outcome: SendOutcome) => void) | undefined;
}

export interface OutgoingOptions {
  limits: ChannelLimits;
  onOverflow: (passed: LimitPassed) => void;
  /** The queue was full and has room again. */
  onRoom: () => void;
}

export function createOutgoing(duplex: Duplex, { limits, onOverflow, onRoom }: OutgoingOptions): Outgoing {
  let queue: Entry[] = [];
  let bytes = 0;
  let blocked = false;
  let scheduled = false;
  let closed = false;
  let wasFull = false;
  let onFlushed: (() => void)[] = [];

  const isFull = () => queue.length >= limits.queueFramesMax || bytes >= limits.queueBytesMax;

  function pump(): void {
    scheduled = false;
    if (closed) return;
    duplex.cork();
    while (queue.length > 0 && !blocked) {
      const { frame, settle } = queue.shift() as Entry;
      bytes -= frame.length;
      blocked = !duplex.write(frame);
      settle?.('queued');
    }
    duplex.uncork();
    if (queue.length === 0) release();
    if (wasFull && !isFull()) {
      wasFull = false;
      onRoom();
    }
  }

  function release(): void {
    for (const resolve of onFlushed) resolve();
    onFlushed = [];
  }

  duplex.on('drain', () => {
    blocked = false;
    pump();
  });

  function add(frame: Buffer, settle?: Entry['settle']): void {
    queue.push({ frame, settle });
    bytes += frame.length;
    if (isFull()) wasFull = true;
    if (!scheduled && !blocked) {
      scheduled = true;
      queueMicrotask(pump);
    }
  }

  function send(frame: Buffer, droppable: boolean): SendOutcome | Promise<SendOutcome> {
    if (closed) return 'closed';
    // A burst within one turn fills the queue although the stream would take it all.
    if (isFull() && !blocked) pump();
    if (!isFull()) {
      add(frame);
      return 'queued';
    }
    if (droppable) return 'dropped';
    const waiting = new Promise<SendOutcome>((settle) => add(frame, settle));
    if (queue.length > limits.backlogFramesMax) {
      onOverflow({ limit: 'backlogFramesMax', maximum: limits.backlogFramesMax, actual: queue.length });
    } else if (bytes > limits.backlogBytesMax) {
      onOverflow({ limit: 'backlogBytesMax', maximum: limits.backlogBytesMax, actual: bytes });
    }
    return waiting;
  }

  function close(): void {
    if (closed) return;
    closed = true;
    const lost = queue;
    queue = [];
    bytes = 0;
    for (const entry of lost) entry.settle?.('closed');
    release();
  }

  return {
    send,
    get full() {
      return isFull();
    },
    flushed: () => (closed || queue.length === 0 ? Promise.resolve() : new Promise((done) => onFlushed.push(done))),
    close,
  };
}
