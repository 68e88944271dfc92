import { describe, expect, it } from 'vitest';
import { partOf } from './parts.ts';

/** Reads as a log of these bytes does. */
const readerOf = (bytes: Buffer) => (from: number, bytesMax: number) => {
  const begin = Math.min(from, bytes.length);
  const part = bytes.subarray(begin, begin + bytesMax);
  return { text: part.toString('utf8'), range: [begin, begin + part.length] as const, totalBytes: bytes.length };
};

/** Everything, as who reads parts of so many bytes puts it together while `shown` of it is there. */
function joined(bytes: Buffer, bytesMax: number, shown: readonly number[]): string {
  let [text, from] = ['', 0];
  for (const [at, length] of shown.entries()) {
    const isEnded = at === shown.length - 1;
    for (;;) {
      const part = partOf(readerOf(bytes.subarray(0, length)), { from, bytesMax, isEnded });
      expect(part.from).toBe(from);
      text += part.text;
      from = part.to;
      if (part.isLast) break;
    }
  }
  expect(from).toBe(bytes.length);
  return text;
}

describe('parts of an output', () => {
  const texts = {
    'characters of one to four bytes': Buffer.from('aé€😀z'.repeat(3)),
    'a character of its own that stands for bytes that are none': Buffer.from('a\ufffd\ufffdb\ufffd'),
    'bytes that are no characters': Buffer.from([0x61, 0xff, 0xfe, 0xff, 0x80, 0x62, 0xff]),
    'characters that break off': Buffer.from([
      0xe2, 0x82, 0x41, 0xf0, 0x9f, 0x98, 0x42, 0xc3, 0xff, 0xff, 0xff, 0xe2, 0x82, 0xac, 0xf0, 0x9f,
    ]),
    nothing: Buffer.alloc(0),
  };
  it.each(Object.entries(texts))('%s: joined they are the whole, however it is cut', (_, bytes) => {
    for (const bytesMax of [4, 5, 6, 7, 64]) {
      for (let step = 1; step <= 4; step++) {
        const shown = Array.from({ length: Math.ceil(bytes.length / step) }, (__, at) => at * step);
        expect(joined(bytes, bytesMax, [...shown, bytes.length])).toBe(bytes.toString('utf8'));
      }
    }
  });

  it('the end of it begins with a whole character', () => {
    const part = partOf(readerOf(Buffer.from('aé€😀z')), { from: undefined, bytesMax: 4, isEnded: true });
    expect(part).toMatchObject({ text: 'z', from: 10, to: 11 });
  });
});
