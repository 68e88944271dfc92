/** One timer for all streams that may be silent for long; none while there are none. */
import type { ServerResponse } from 'node:http';

/** How often something is said, in ms. */
const everyMs = 15_000;

export interface Silence {
  /** Writes a comment now and then until the answer has ended; nothing to who does not take what was written before. */
  break(response: ServerResponse): void;
}

export function createSilence(): Silence {
  const streams = new Set<ServerResponse>();
  let timer: NodeJS.Timeout | undefined;
  const speak = (): void => {
    for (const stream of streams)
      if (!stream.writableNeedDrain && !stream.writableEnded) stream.write(': still here\n\n');
  };
  return {
    break(response) {
      streams.add(response);
      timer ??= setInterval(speak, everyMs);
      response.once('close', () => {
        streams.delete(response);
        if (streams.size > 0) return;
        clearInterval(timer);
        timer = undefined;
      });
    },
  };
}
