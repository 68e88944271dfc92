/*
 * A frame is a 4-byte little-endian unsigned length followed by that many bytes of UTF-8.
 *
 * The decoder reads whole frames where they lie. Of a frame that is cut by the end of a chunk it keeps a copy that grows with what arrives, so no
 * buffer is sized by the peer's word, each byte is looked at once, and nothing keeps the chunk alive. Growing doubles: a body that arrives byte by
 * byte is copied twice, whatever its length.
 */
import { isAscii, isUtf8 } from 'node:buffer';
import { type LimitPassed, limitError } from './error.ts';

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
export const measuredCharsMax = 4_096;

/** A frame of a body that is ASCII, else undefined: then the number of its characters is not the number of its bytes. */
function encodeAscii(body: string): Buffer | undefined {
  const frame = Buffer.allocUnsafe(frameHeaderBytes + body.length);
  writeLength(frame, 0, body.length);
  // A character of two bytes leaves too little room for the last ones, or is one of the bytes.
  const isWhole = frame.write(body, frameHeaderBytes, 'utf8') === body.length;
  return isWhole && isAscii(frame.subarray(frameHeaderBytes)) ? frame : undefined;
}

/** Bytes of a body on the wire. Throws a `PayloadTooLarge` KlpError over the cap. */
export function measureBody(body: string, bodyBytesMax: number): number {
  const bytes = Buffer.byteLength(body);
  if (bytes <= bodyBytesMax) return bytes;
  throw limitError('PayloadTooLarge', { limit: 'bodyBytesMax', maximum: bodyBytesMax, actual: bytes });
}

/** Writes one frame at `at`, where there is room for it; returns where the next one goes. */
export function writeFrame(target: Buffer, at: number, { body, bytes }: { body: string; bytes: number }): number {
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

/**
 * Makes an incremental decoder of one byte stream. Holds at most one frame and the chunks pushed since.
 * Throws RangeError for a cap below 8,192 bytes.
 */
export function createFrameDecoder(options: { bodyBytesMax?: number } = {}): FrameDecoder {
  const bodyBytesMax = options.bodyBytesMax ?? defaultBodyBytesMax;
  if (!(bodyBytesMax >= lowestBodyBytesMax)) {
    throw new RangeError(
      `create a frame decoder: bodyBytesMax must be at least ${lowestBodyBytesMax}: ${bodyBytesMax}`,
    );
  }
  // What is being read, and what came while it still was.
  let chunk = nothing;
  let at = 0;
  let later: Buffer[] = [];
  // The frame that began in an earlier chunk: its bytes so far, and how many it has, once its header is complete.
  let cut = nothing;
  let cutUsed = 0;
  let cutBytes = frameHeaderBytes;
  let overLong: Frame | undefined;
  /** Everything that came was read. Then single bytes may be put at the end of the frame that is cut, up to this many, without looking further. */
  let isWaiting = false;
  let byteRoom = 0;

  function next(): Frame | undefined {
    if (isWaiting) return undefined;
    for (;;) {
      const frame = overLong ?? (cutUsed > 0 ? continueCut() : readWhole());
      if (frame) return frame;
      at = 0;
      chunk = later.length > 1 ? Buffer.concat(later) : (later[0] ?? nothing);
      if (later.length === 0) {
        isWaiting = true;
        byteRoom = cutUsed === 0 ? 0 : Math.min(cutBytes - 1, cut.length);
        return undefined;
      }
      later = [];
    }
  }

  function readWhole(): Frame | undefined {
    const left = chunk.length - at;
    if (left >= frameHeaderBytes) {
      const bytes = lengthAt(chunk, at);
      if (bytes > bodyBytesMax) return refuse(bytes);
      if (left >= frameHeaderBytes + bytes) {
        const start = at + frameHeaderBytes;
        at = start + bytes;
        return decodeBody(chunk, start, at);
      }
      cutBytes = frameHeaderBytes + bytes;
    }
    if (left > 0) take(left);
    return undefined;
  }

  function continueCut(): Frame | undefined {
    for (;;) {
      const wanted = cutBytes - cutUsed;
      const left = chunk.length - at;
      if (left < wanted) {
        if (left > 0) take(left);
        return undefined;
      }
      take(wanted);
      if (cutBytes > frameHeaderBytes) return endCut();
      const bytes = lengthAt(cut, 0);
      if (bytes > bodyBytesMax) return refuse(bytes);
      if (bytes === 0) return endCut();
      cutBytes += bytes;
    }
  }

  /** Moves bytes of the chunk to the frame that is cut. */
  function take(count: number): void {
    const used = cutUsed + count;
    if (used > cut.length) {
      // Never more than twice what arrived, and no more than the frame needs.
      const needed = cutBytes > frameHeaderBytes ? cutBytes : firstCutBytes;
      const room = Math.max(used, Math.min(Math.max(2 * used, firstCutBytes), needed));
      const grown = Buffer.allocUnsafeSlow(room);
      grown.set(cut.subarray(0, cutUsed));
      cut = grown;
    }
    if (count === 1) cut[cutUsed] = chunk[at] as number;
    else cut.set(chunk.subarray(at, at + count), cutUsed);
    cutUsed = used;
    at += count;
  }

  function endCut(): Frame {
    const frame = decodeBody(cut, frameHeaderBytes, cutBytes);
    cutUsed = 0;
    cutBytes = frameHeaderBytes;
    if (cut.length > keptCutBytes) cut = nothing;
    return frame;
  }

  function refuse(actual: number): Frame {
    chunk = nothing;
    at = 0;
    later = [];
    cut = nothing;
    cutUsed = 0;
    overLong = { kind: 'over_long', passed: { limit: 'bodyBytesMax', maximum: bodyBytesMax, actual } };
    return overLong;
  }

  return {
    push: (bytes) => {
      // A single byte of a frame that it does not complete: nothing else need be looked at.
      if (isWaiting && bytes.length === 1 && cutUsed < byteRoom) {
        cut[cutUsed] = bytes[0] as number;
        cutUsed += 1;
        return;
      }
      if (overLong || bytes.length === 0) return;
      isWaiting = false;
      const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
      if (at < chunk.length) {
        later.push(buffer);
      } else {
        chunk = buffer;
        at = 0;
      }
    },
    next,
    get heldBytes() {
      return cutUsed + chunk.length - at + later.reduce((sum, { length }) => sum + length, 0);
    },
  };
}

const nothing: Buffer = Buffer.alloc(0);

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
