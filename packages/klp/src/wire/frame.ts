/*
 * A frame is a 4-byte little-endian unsigned length followed by that many bytes of UTF-8.
 *
 * The decoder holds what has arrived and nothing else: no buffer is sized by the peer's word. Small chunks of one frame are copied together,
 * so a body that arrives byte by byte costs about twice its bytes, not an object per byte. Each byte is looked at once, whatever the chunking.
 */
import { type LimitPassed, limitError } from './error.ts';

export const frameHeaderBytes = 4;

/** Bytes of the largest body in either direction: 1 MiB. A body of exactly this size is allowed. */
export const defaultBodyBytesMax: number = 1_048_576;

/** The smallest cap that may be configured: every error answer must fit. */
export const lowestBodyBytesMax = 8_192;

const compactBytes = 4096;

export type Frame =
  | { kind: 'body'; text: string }
  /** The body was complete but not UTF-8; the stream is still in step. */
  | { kind: 'not_utf8' }
  /** The header announced more than the cap; nothing after it can be read, the decoder stays at this answer. */
  | { kind: 'over_long'; passed: LimitPassed };

export interface FrameDecoder {
  /** Takes bytes as they arrived; they must not be changed afterwards. */
  push(chunk: Uint8Array): void;
  /** The next complete frame, or undefined when more bytes are needed. */
  next(): Frame | undefined;
  /** Bytes held for a frame that is not complete (or not asked for) yet. At the end of the stream, more than 0 means it was cut. */
  readonly heldBytes: number;
}

/** Makes one frame. Throws a `PayloadTooLarge` KlpError, before anything is allocated, when the body passes `bodyBytesMax`. */
export function encodeFrame(body: string, bodyBytesMax: number = defaultBodyBytesMax): Buffer {
  const bytes = Buffer.byteLength(body);
  if (bytes > bodyBytesMax) {
    throw limitError('PayloadTooLarge', { limit: 'bodyBytesMax', maximum: bodyBytesMax, actual: bytes });
  }
  const frame = Buffer.allocUnsafe(frameHeaderBytes + bytes);
  frame.writeUInt32LE(bytes, 0);
  frame.write(body, frameHeaderBytes);
  return frame;
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
  // ignoreBOM keeps a byte order mark in the text, where JSON refuses it.
  const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const bytes = createByteList();
  let bodyBytes = -1;
  let overLong: Frame | undefined;

  function next(): Frame | undefined {
    if (overLong) return overLong;
    if (bodyBytes < 0) {
      if (bytes.size() < frameHeaderBytes) return undefined;
      bodyBytes = bytes.take(frameHeaderBytes).readUInt32LE(0);
      if (bodyBytes > bodyBytesMax) {
        bytes.clear();
        overLong = { kind: 'over_long', passed: { limit: 'bodyBytesMax', maximum: bodyBytesMax, actual: bodyBytes } };
        return overLong;
      }
    }
    if (bytes.size() < bodyBytes) return undefined;
    const body = bytes.take(bodyBytes);
    bodyBytes = -1;
    try {
      return { kind: 'body', text: utf8.decode(body) };
    } catch {
      return { kind: 'not_utf8' };
    }
  }

  return {
    push: (chunk) => {
      if (!overLong) bytes.push(chunk);
    },
    next,
    get heldBytes() {
      if (overLong) return 0;
      return bytes.size() + (bodyBytes < 0 ? 0 : frameHeaderBytes);
    },
  };
}

interface ByteList {
  push(chunk: Uint8Array): void;
  /** Removes exactly `count` bytes; the caller has checked that they are there. The result is valid until the next push. */
  take(count: number): Buffer;
  size(): number;
  clear(): void;
}

function createByteList(): ByteList {
  let chunks: Buffer[] = [];
  let offset = 0;
  let size = 0;
  let tail: { buffer: Buffer; used: number } | undefined;

  function append(chunk: Uint8Array): void {
    if (chunk.length >= compactBytes || chunks.length === 0) {
      tail = undefined;
      chunks.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length));
      return;
    }
    if (!tail || tail.used + chunk.length > compactBytes) {
      tail = { buffer: Buffer.allocUnsafeSlow(compactBytes), used: 0 };
      chunks.push(tail.buffer.subarray(0, 0));
    }
    tail.buffer.set(chunk, tail.used);
    tail.used += chunk.length;
    chunks[chunks.length - 1] = tail.buffer.subarray(0, tail.used);
  }

  function take(count: number): Buffer {
    size -= count;
    const first = chunks[0];
    if (first && first.length - offset >= count) {
      const view = first.subarray(offset, offset + count);
      offset += count;
      if (size === 0) clear();
      return view;
    }
    const whole = Buffer.allocUnsafe(count);
    let filled = 0;
    let index = 0;
    for (; filled < count; index += 1) {
      const chunk = chunks[index] as Buffer;
      const part = chunk.subarray(offset, offset + count - filled);
      whole.set(part, filled);
      filled += part.length;
      offset += part.length;
      if (offset < chunk.length) break;
      offset = 0;
    }
    chunks = chunks.slice(index);
    if (size === 0) clear();
    return whole;
  }

  function clear(): void {
    chunks = [];
    offset = 0;
    size = 0;
    tail = undefined;
  }

  return {
    push: (chunk) => {
      if (chunk.length === 0) return;
      size += chunk.length;
      append(chunk);
    },
    take,
    size: () => size,
    clear,
  };
}
