/*
 * A frame is a 4-byte little-endian unsigned length followed by that many bytes of UTF-8. Here it is read; `outgoing.ts` makes it.
 *
 * The decoder reads whole frames where they lie. Of a frame that is cut by the end of a chunk it keeps a copy that grows with what arrives, so no
 * buffer is sized by the peer's word, each byte is looked at once, and nothing keeps the chunk alive. Growing doubles: a body that arrives byte by
 * byte is copied twice, whatever its length.
 */
import { isUtf8 } from 'node:buffer';
import type { LimitPassed } from './error.ts';

export const frameHeaderBytes = 4;

/** Bytes of the largest body in either direction: 1 MiB. A body of exactly this size is allowed. */
export const defaultBodyBytesMax: number = 1_048_576;

/** The smallest cap that may be configured: every error answer must fit. */
export const lowestBodyBytesMax = 8_192;

/** Bytes that a cut frame gets at first, and that are kept for the next one. */
const firstCutBytes = 256;
const keptCutBytes = 4_096;

export type Frame =
  | { kind: 'body'; text: string }
  /** The body was complete but not UTF-8; the stream is still in step. */
  | { kind: 'not_utf8' }
  /** The header announced more than the cap; nothing after it can be read, the decoder stays at this answer. */
  | { kind: 'over_long'; passed: LimitPassed };

export interface FrameDecoder {
  /** Takes bytes as they arrived; they must not be changed before `next` answered undefined. */
  push(chunk: Uint8Array): void;
  /** The next complete frame, or undefined when more bytes are needed. */
  next(): Frame | undefined;
  /** Bytes held for a frame that is not complete (or not asked for) yet. At the end of the stream, more than 0 means it was cut. */
  readonly heldBytes: number;
}

/**
 * Makes an incremental decoder of one byte stream. Holds at most one frame and the chunks pushed since.
 * Throws RangeError for a cap below 8,192 bytes.
 */
export function createFrameDecoder(options: { bodyBytesMax?: number } = {}): FrameDecoder {
  const bodyBytesMax = options.bodyBytesMax ?? defaultBodyBytesMax;
  if (bodyBytesMax >= lowestBodyBytesMax) return new Decoder(bodyBytesMax);
  throw new RangeError(`create a frame decoder: bodyBytesMax must be at least ${lowestBodyBytesMax}: ${bodyBytesMax}`);
}

const nothing: Buffer = Buffer.alloc(0);

class Decoder implements FrameDecoder {
  private readonly bodyBytesMax: number;
  // What is being read, and what came while it still was.
  private chunk = nothing;
  private at = 0;
  private later: Buffer[] = [];
  // The frame that began in an earlier chunk: its bytes so far, and how many it has, once its header is complete.
  private cut = nothing;
  private cutUsed = 0;
  private cutBytes = frameHeaderBytes;
  private overLong: Frame | undefined = undefined;
  /** Everything that came was read. Then single bytes may be put at the end of the frame that is cut, up to this many, without looking further. */
  private isWaiting = false;
  private byteRoom = 0;

  constructor(bodyBytesMax: number) {
    this.bodyBytesMax = bodyBytesMax;
  }

  get heldBytes(): number {
    return this.cutUsed + this.chunk.length - this.at + this.later.reduce((sum, { length }) => sum + length, 0);
  }

  push(bytes: Uint8Array): void {
    // A single byte of a frame that it does not complete: nothing else need be looked at.
    if (this.isWaiting && bytes.length === 1 && this.cutUsed < this.byteRoom) {
      this.cut[this.cutUsed] = bytes[0] as number;
      this.cutUsed += 1;
      return;
    }
    if (this.overLong || bytes.length === 0) return;
    this.isWaiting = false;
    const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    if (this.at < this.chunk.length) {
      this.later.push(buffer);
    } else {
      this.chunk = buffer;
      this.at = 0;
    }
  }

  next(): Frame | undefined {
    if (this.isWaiting) return undefined;
    for (;;) {
      const frame = this.overLong ?? (this.cutUsed > 0 ? this.continueCut() : this.readWhole());
      if (frame) return frame;
      const { later } = this;
      this.at = 0;
      this.chunk = later.length > 1 ? Buffer.concat(later) : (later[0] ?? nothing);
      if (later.length === 0) {
        this.isWaiting = true;
        this.byteRoom = this.cutUsed === 0 ? 0 : Math.min(this.cutBytes - 1, this.cut.length);
        return undefined;
      }
      this.later = [];
    }
  }

  private readWhole(): Frame | undefined {
    const { chunk, at } = this;
    const left = chunk.length - at;
    if (left >= frameHeaderBytes) {
      const bytes = lengthAt(chunk, at);
      if (bytes > this.bodyBytesMax) return this.refuse(bytes);
      if (left >= frameHeaderBytes + bytes) {
        const start = at + frameHeaderBytes;
        this.at = start + bytes;
        return decodeBody(chunk, start, start + bytes);
      }
      this.cutBytes = frameHeaderBytes + bytes;
    }
    if (left > 0) this.take(left);
    return undefined;
  }

  private continueCut(): Frame | undefined {
    for (;;) {
      const wanted = this.cutBytes - this.cutUsed;
      const left = this.chunk.length - this.at;
      if (left < wanted) {
        if (left > 0) this.take(left);
        return undefined;
      }
      this.take(wanted);
      if (this.cutBytes > frameHeaderBytes) return this.endCut();
      const bytes = lengthAt(this.cut, 0);
      if (bytes > this.bodyBytesMax) return this.refuse(bytes);
      if (bytes === 0) return this.endCut();
      this.cutBytes += bytes;
    }
  }

  /** Moves bytes of the chunk to the frame that is cut. */
  private take(count: number): void {
    const { chunk, at, cutUsed } = this;
    const used = cutUsed + count;
    if (used > this.cut.length) this.grow(used);
    if (count === 1) this.cut[cutUsed] = chunk[at] as number;
    else this.cut.set(chunk.subarray(at, at + count), cutUsed);
    this.cutUsed = used;
    this.at = at + count;
  }

  /** Makes room for `used` bytes: never more than twice what arrived, and no more than the frame needs. */
  private grow(used: number): void {
    const needed = this.cutBytes > frameHeaderBytes ? this.cutBytes : firstCutBytes;
    const room = Math.max(used, Math.min(Math.max(2 * used, firstCutBytes), needed));
    const grown = Buffer.allocUnsafeSlow(room);
    grown.set(this.cut.subarray(0, this.cutUsed));
    this.cut = grown;
  }

  private endCut(): Frame {
    const frame = decodeBody(this.cut, frameHeaderBytes, this.cutBytes);
    this.cutUsed = 0;
    this.cutBytes = frameHeaderBytes;
    if (this.cut.length > keptCutBytes) this.cut = nothing;
    return frame;
  }

  private refuse(actual: number): Frame {
    this.chunk = nothing;
    this.at = 0;
    this.later = [];
    this.cut = nothing;
    this.cutUsed = 0;
    this.overLong = { kind: 'over_long', passed: { limit: 'bodyBytesMax', maximum: this.bodyBytesMax, actual } };
    return this.overLong;
  }
}

function lengthAt(buffer: Buffer, at: number): number {
  const low = (buffer[at] as number) | ((buffer[at + 1] as number) << 8) | ((buffer[at + 2] as number) << 16);
  return low + (buffer[at + 3] as number) * 0x1000000;
}

function decodeBody(buffer: Buffer, start: number, end: number): Frame {
  const text = buffer.toString('utf8', start, end);
  // Bytes that are not UTF-8 read as U+FFFD; only then is it asked whether the peer wrote that character itself.
  if (!text.includes('\uFFFD') || isUtf8(buffer.subarray(start, end))) return { kind: 'body', text };
  return { kind: 'not_utf8' };
}
