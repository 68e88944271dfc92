import { describe, expect, it } from 'vitest';
import { encodeFrame } from '../channel/outgoing.ts';
import { KlpError } from './error.ts';
import { createFrameDecoder, type Frame } from './frame.ts';

function decodeAll(chunks: Iterable<Uint8Array>, bodyBytesMax?: number): Frame[] {
  const decoder = createFrameDecoder({ bodyBytesMax });
  const frames: Frame[] = [];
  for (const chunk of chunks) {
    decoder.push(chunk);
    for (let frame = decoder.next(); frame; frame = decoder.next()) {
      frames.push(frame);
      if (frame.kind === 'over_long') return frames;
    }
  }
  return frames;
}

function header(length: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(length);
  return bytes;
}

/** A small generator of repeatable numbers (mulberry32), so that a failing seed can be run again. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe('encodeFrame', () => {
  it('puts a little-endian byte length before UTF-8', () => {
    expect(encodeFrame('{"é":1}').toString('hex')).toBe('080000007b22c3a9223a317d');
  });

  it('allows exactly the cap and refuses one byte more, saying both numbers', () => {
    expect(encodeFrame('a'.repeat(8192), 8192)).toHaveLength(8196);
    const error = catching(() => encodeFrame('a'.repeat(8193), 8192));
    expect(error.kind).toBe('PayloadTooLarge');
    expect(error.limit).toEqual({ limit: 'bodyBytesMax', maximum: 8192, actual: 8193 });
  });
});

describe('createFrameDecoder', () => {
  const bodies = ['', '{}', 'é'.repeat(3000), 'x'.repeat(70_000), '{"a":[1,2,3]}', '\u{1F600}'.repeat(2049)];
  const wire = Buffer.concat(bodies.map((body) => encodeFrame(body)));
  const expected = bodies.map((text) => ({ kind: 'body', text }));

  it('reads frames that arrive one byte at a time', () => {
    expect(decodeAll(Array.from(wire, (byte) => Buffer.of(byte)))).toEqual(expected);
  });

  it('reads frames that arrive all at once', () => {
    expect(decodeAll([wire])).toEqual(expected);
  });

  it('reads the same frames for any chunking', () => {
    for (let seed = 1; seed <= 200; seed += 1) {
      const random = seeded(seed);
      const chunks: Buffer[] = [];
      for (let at = 0; at < wire.length; ) {
        const scale = [1, 8, 5_000, 40_000][Math.floor(random() * 4)] ?? 1;
        const size = Math.floor(random() * scale) + (random() < 0.1 ? 0 : 1);
        chunks.push(wire.subarray(at, at + size));
        at += size;
      }
      expect(decodeAll(chunks), `seed ${seed}`).toEqual(expected);
    }
  });

  it.each([
    ['one above the cap', 8193],
    ['the largest number', 2 ** 32 - 1],
  ])('refuses a header of %s without waiting for the body', (_name, actual) => {
    const frames = decodeAll([header(actual)], 8192);
    expect(frames).toEqual([{ kind: 'over_long', passed: { limit: 'bodyBytesMax', maximum: 8192, actual } }]);
  });

  it('holds nothing of what follows an over-long header', () => {
    const decoder = createFrameDecoder();
    decoder.push(header(2 ** 31));
    expect(decoder.next()?.kind).toBe('over_long');
    decoder.push(Buffer.alloc(100_000));
    expect(decoder.heldBytes).toBe(0);
    expect(decoder.next()?.kind).toBe('over_long');
  });

  it('holds what arrived, not what was announced', () => {
    const decoder = createFrameDecoder();
    decoder.push(header(1_048_576));
    expect(decoder.next()).toBeUndefined();
    expect(decoder.heldBytes).toBe(4);
    decoder.push(Buffer.from('abc'));
    expect(decoder.next()).toBeUndefined();
    expect(decoder.heldBytes).toBe(7);
  });

  it('takes memory for what arrived, not for what was announced', () => {
    const before = process.memoryUsage().arrayBuffers;
    const decoders = Array.from({ length: 300 }, () => {
      const decoder = createFrameDecoder();
      decoder.push(Buffer.concat([header(1_048_576), Buffer.alloc(1_000)]));
      decoder.next();
      return decoder;
    });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10_000_000);
    expect(decoders.map(({ heldBytes }) => heldBytes)).toEqual(decoders.map(() => 1_004));
  });

  it('stays in step after a body that is not UTF-8', () => {
    const frames = decodeAll([header(2), Buffer.of(0xff, 0xfe), encodeFrame('{}')]);
    expect(frames).toEqual([{ kind: 'not_utf8' }, { kind: 'body', text: '{}' }]);
  });

  it('refuses a cap in which no error answer fits', () => {
    expect(() => createFrameDecoder({ bodyBytesMax: 100 })).toThrow(RangeError);
    expect(() => createFrameDecoder({ bodyBytesMax: Number.NaN })).toThrow(RangeError);
  });
});

function catching(run: () => unknown): KlpError {
  try {
    run();
  } catch (error) {
    if (error instanceof KlpError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
