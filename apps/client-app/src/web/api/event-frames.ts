import type { PageEvent } from '../../run/board.ts';

/** After this much work at a stretch the browser may draw and listen, in ms. */
const stretchMs = 8;

/** The events of a server-sent event stream, one by one; ends when the stream ends. Comments are skipped. */
export async function* readEvents(stream: ReadableStream<Uint8Array>): AsyncGenerator<PageEvent> {
  const decoder = new TextDecoder();
  const reader = stream.getReader();
  let parts: string[] = [];
  let begunMs = performance.now();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const text = decoder.decode(value, { stream: true });
      const isSplit = text.startsWith('\n') && parts.at(-1)?.endsWith('\n') === true;
      parts.push(text);
      // A frame may be megabytes in hundreds of pieces: it is looked at when its end is there, once.
      if (!isSplit && !text.includes('\n\n')) continue;
      const frames = parts.join('').split('\n\n');
      parts = [frames.pop() ?? ''];
      for (const frame of frames) {
        if (!frame.startsWith('data: ')) continue;
        yield JSON.parse(frame.slice(6)) as PageEvent;
        if (performance.now() - begunMs < stretchMs) continue;
        await new Promise((resolve) => setTimeout(resolve));
        begunMs = performance.now();
      }
    }
  } finally {
    await reader.cancel();
  }
}
