/*
 * Frames on their way out of a connection: how one is made, and the one queue in which they wait. First in, first out; three levels:
 *   room     frames are queued, `send` answers at once
 *   full     droppable frames are dropped; the others are kept and `send` answers when they were handed to the stream
 *   overflow the peer does not read: the owner is told once and ends the connection
 * What is queued within one turn of the event loop goes out as one write.
 */
import { isAscii } from 'node:buffer';
import type { Duplex } from 'node:stream';
import type { ChannelLimits } from '../limits.ts';
import { type LimitPassed, limitError } from '../wire/error.ts';
import { defaultBodyBytesMax, frameHeaderBytes } from '../wire/frame.ts';
import { createExpiry, type Expiry } from './late.ts';

/** `closed`: the connection ended before the frame was handed to the stream. */
export type SendOutcome = 'queued' | 'dropped' | 'closed';

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

export class Outgoing {
  private readonly duplex: Duplex;
  private readonly options: OutgoingOptions;
  private readonly stall: Expiry;
  private queue: Entry[] = [];
  private bytes = 0;
  private blockedAtMs: number | undefined = undefined;
  private isScheduled = false;
  private isClosed = false;
  private wasFull = false;
  private onFlushed: (() => void)[] = [];

  constructor(duplex: Duplex, options: OutgoingOptions) {
    this.duplex = duplex;
    this.options = options;
    this.stall = createExpiry((nowMs) => this.findStall(nowMs));
    duplex.on('drain', () => {
      this.blockedAtMs = undefined;
      this.pump();
    });
  }

  get full(): boolean {
    const { queueFramesMax, queueBytesMax } = this.options.limits;
    return this.queue.length >= queueFramesMax || this.bytes >= queueBytesMax;
  }

  /** Throws `PayloadTooLarge` before anything is queued. */
  send(body: string, droppable: boolean): SendOutcome | Promise<SendOutcome> {
    if (this.isClosed) return 'closed';
    const entry = prepare(body, this.options.limits.bodyBytesMax);
    if (this.hasRoom()) {
      this.add(entry);
      return 'queued';
    }
    if (droppable) return 'dropped';
    const waiting = new Promise<SendOutcome>((settle) => this.add({ ...entry, settle }));
    this.checkBacklog();
    return waiting;
  }

  /** Whether a droppable frame would be taken now. */
  hasRoom(): boolean {
    // A burst within one turn fills the queue although the stream would take it all.
    if (this.full && this.blockedAtMs === undefined) this.pump();
    return !this.full;
  }

  /** Resolves when every frame was handed to the stream, or the queue was closed. */
  flushed(): Promise<void> {
    if (this.isClosed || this.queue.length === 0) return Promise.resolve();
    return new Promise((done) => this.onFlushed.push(done));
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.stall.clear();
    const lost = this.queue;
    this.queue = [];
    this.bytes = 0;
    for (const { settle } of lost) settle?.('closed');
    this.release();
  }

  private add(entry: Entry): void {
    this.queue.push(entry);
    this.bytes += entry.bytes;
    if (this.full) this.wasFull = true;
    if (this.blockedAtMs !== undefined) return;
    if (this.queue.length >= writeFramesMax) {
      this.pump();
      return;
    }
    if (this.isScheduled) return;
    this.isScheduled = true;
    // Behind the promises of this turn, so that what they send goes along.
    process.nextTick(pump, this);
  }

  pump(): void {
    this.isScheduled = false;
    while (!this.isClosed && this.blockedAtMs === undefined && this.queue.length > 0) this.writeSome();
    if (this.isClosed) return;
    if (this.queue.length === 0) this.release();
    if (this.wasFull && !this.full) {
      this.wasFull = false;
      this.options.onRoom();
    }
  }

  /** Hands the first frames to the stream, as many as go into one write. */
  private writeSome(): void {
    const { queue } = this;
    const [first] = queue as [Entry];
    const count = typeof first.body === 'string' ? countTogether(queue) : 1;
    const taken = count === queue.length ? queue : queue.splice(0, count);
    if (taken === queue) this.queue = [];
    const block = typeof first.body === 'string' ? writeTogether(taken) : first.body;
    this.bytes -= block.length - count * frameHeaderBytes;
    if (!this.duplex.write(block)) this.noteBlocked();
    for (const { settle } of taken) settle?.('queued');
  }

  private noteBlocked(): void {
    this.blockedAtMs = performance.now();
    this.stall.note(this.blockedAtMs + this.options.limits.stallTimeoutMs);
  }

  private findStall(nowMs: number): number {
    const { blockedAtMs, isClosed } = this;
    if (blockedAtMs === undefined || isClosed) return Number.POSITIVE_INFINITY;
    const maximum = this.options.limits.stallTimeoutMs;
    const actual = nowMs - blockedAtMs;
    if (actual < maximum) return blockedAtMs + maximum;
    this.options.onOverflow({ limit: 'stallTimeoutMs', maximum, actual: Math.round(actual) });
    return Number.POSITIVE_INFINITY;
  }

  private checkBacklog(): void {
    const { limits, onOverflow } = this.options;
    const { backlogFramesMax, backlogBytesMax } = limits;
    const frames = this.queue.length;
    if (frames > backlogFramesMax) {
      onOverflow({ limit: 'backlogFramesMax', maximum: backlogFramesMax, actual: frames });
    } else if (this.bytes > backlogBytesMax) {
      onOverflow({ limit: 'backlogBytesMax', maximum: backlogBytesMax, actual: this.bytes });
    }
  }

  private release(): void {
    for (const resolve of this.onFlushed) resolve();
    this.onFlushed = [];
  }
}

function pump(outgoing: Outgoing): void {
  outgoing.pump();
}

function prepare(body: string, bodyBytesMax: number): Entry {
  if (body.length <= measuredCharsMax) return { body, bytes: measureBody(body, bodyBytesMax), settle: undefined };
  const frame = encodeFrame(body, bodyBytesMax);
  return { body: frame, bytes: frame.length - frameHeaderBytes, settle: undefined };
}

function countTogether(queue: readonly Entry[]): number {
  let total = 0;
  let count = 0;
  for (const entry of queue) {
    total += frameHeaderBytes + entry.bytes;
    if (typeof entry.body !== 'string' || (count > 0 && total > writeBytesMax)) break;
    count += 1;
  }
  return count;
}

function writeTogether(entries: readonly Entry[]): Buffer {
  const total = entries.reduce((sum, entry) => sum + frameHeaderBytes + entry.bytes, 0);
  const block = Buffer.allocUnsafe(total);
  let at = 0;
  for (const { body, bytes } of entries) at = writeFrame(block, at, { body: body as string, bytes });
  return block;
}

/** Makes one frame. Throws a `PayloadTooLarge` KlpError, before anything is allocated, when the body passes `bodyBytesMax`. */
export function encodeFrame(body: string, bodyBytesMax: number = defaultBodyBytesMax): Buffer {
  if (body.length > measuredCharsMax && body.length <= bodyBytesMax) {
    const frame = encodeAscii(body);
    if (frame) return frame;
  }
  const bytes = measureBody(body, bodyBytesMax);
  const frame = Buffer.allocUnsafe(frameHeaderBytes + bytes);
  writeFrame(frame, 0, { body, bytes });
  return frame;
}

/** Characters up to which measuring a body costs less than trying whether it is ASCII. */
const measuredCharsMax = 4_096;

/** A frame of a body that is ASCII, else undefined: then the number of its characters is not the number of its bytes. */
function encodeAscii(body: string): Buffer | undefined {
  const frame = Buffer.allocUnsafe(frameHeaderBytes + body.length);
  writeLength(frame, 0, body.length);
  // A character of two bytes leaves too little room for the last ones, or is one of the bytes.
  const isWhole = frame.write(body, frameHeaderBytes, 'utf8') === body.length;
  return isWhole && isAscii(frame.subarray(frameHeaderBytes)) ? frame : undefined;
}

/** Bytes of a body on the wire. Throws a `PayloadTooLarge` KlpError over the cap. */
function measureBody(body: string, bodyBytesMax: number): number {
  const bytes = Buffer.byteLength(body);
  if (bytes <= bodyBytesMax) return bytes;
  throw limitError('PayloadTooLarge', { limit: 'bodyBytesMax', maximum: bodyBytesMax, actual: bytes });
}

/** Writes one frame at `at`, where there is room for it; returns where the next one goes. */
function writeFrame(target: Buffer, at: number, { body, bytes }: { body: string; bytes: number }): number {
  writeLength(target, at, bytes);
  target.write(body, at + frameHeaderBytes, 'utf8');
  return at + frameHeaderBytes + bytes;
}

function writeLength(target: Buffer, at: number, bytes: number): void {
  target[at] = bytes & 0xff;
  target[at + 1] = (bytes >>> 8) & 0xff;
  target[at + 2] = (bytes >>> 16) & 0xff;
  target[at + 3] = bytes >>> 24;
}
