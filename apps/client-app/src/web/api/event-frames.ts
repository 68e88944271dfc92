import type { PageEvent } from '../../run/board.ts';

/** The events of a server-sent event stream, one by one; ends when the stream ends. Comments are skipped. */
export async function* readEvents(stream: ReadableStream<Uint8Array>): AsyncGenerator<PageEvent> {
  const decoder = new TextDecoder();
  const reader = stream.getReader();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const frames = (rest + decoder.decode(value, { stream: true })).split('\n\n');
      rest = frames.pop() ?? '';
      for (const frame of frames) {
        if (frame.startsWith('data: ')) yield JSON.parse(frame.slice(6)) as PageEvent;
      }
    }
  } finally {
    await reader.cancel();
  }
}
