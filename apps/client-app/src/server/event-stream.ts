import type { ServerResponse } from 'node:http';
import type { Board, PageEvent } from '../run/board.ts';

export interface EventStreamLimits {
  /** Bytes waiting for a page that reads too slowly; beyond, its stream is cut and it starts afresh. Defaults to 64 MiB, room for a replay of full runs. */
  readonly waitingBytesMax: number;
  /** A comment is sent this often, in ms, so that neither side takes a quiet stream for a dead one. Defaults to 15 s. */
  readonly heartbeatMs: number;
}

export const eventStreamLimits: EventStreamLimits = { waitingBytesMax: 64 * 1024 * 1024, heartbeatMs: 15_000 };

/** Sends the board's events as server-sent events until the page goes or `signal` aborts. */
export function streamEvents(
  board: Board,
  response: ServerResponse,
  { limits, signal }: { limits: EventStreamLimits; signal: AbortSignal },
): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const write = (text: string): void => {
    if (response.writableEnded) return; // we hang up, and what happens until the socket is closed is told to nobody
    if (response.writableLength > limits.waitingBytesMax) response.destroy();
    else response.write(text);
  };
  const heartbeat = setInterval(() => write(': still here\n\n'), limits.heartbeatMs);
  const unfollow = board.follow((event) => write(encodeEvent(event)));
  const hangUp = (): void => {
    response.end();
  };
  signal.addEventListener('abort', hangUp, { once: true });
  response.once('close', () => {
    clearInterval(heartbeat);
    unfollow();
    signal.removeEventListener('abort', hangUp);
  });
}

/** JSON has no raw line break, so one `data` line holds any event. */
function encodeEvent(event: PageEvent): string {
  return `data: ${JSON.stringify(event)}\n\n`;
}
