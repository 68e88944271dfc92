import { describe, expect, it } from 'vitest';
import { readEvents } from './event-frames.ts';

/** The bytes of `text` in pieces of `size`, so that frames and characters are cut anywhere. */
function streamOf(text: string, size: number): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  return new ReadableStream({
    start(controller) {
      for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.slice(at, at + size));
      controller.close();
    },
  });
}

describe('readEvents()', () => {
  it.each([1, 2, 3, 7, 1000])('finds every event in pieces of %i bytes', async (size) => {
    const first = { type: 'stopping', run_id: '実行-😀' };
    const second = { type: 'stopping', run_id: 'a\n\nb' };
    const text = `data: ${JSON.stringify(first)}\n\n: still here\n\ndata: ${JSON.stringify(second)}\n\n`;
    const seen = [];
    for await (const event of readEvents(streamOf(text, size))) seen.push(event);
    expect(seen).toEqual([first, second]);
  });

  it('leaves out an event that the end of the stream cut', async () => {
    const seen = [];
    for await (const event of readEvents(streamOf('data: {"type":"stop', 5))) seen.push(event);
    expect(seen).toEqual([]);
  });
});
