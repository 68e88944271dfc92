import { once } from 'node:events';
import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { type Board, createBoard } from '../src/run/board.ts';
import { streamEvents } from '../src/server/event-stream.ts';

it('what happens after the page server hung up, and before the socket is closed, is told to nobody', async () => {
  let tell: Parameters<Board['follow']>[0] = () => expect.unreachable('nobody follows');
  const board: Board = {
    ...createBoard(),
    follow: (listener) => {
      tell = listener;
      return () => undefined;
    },
  };
  const closing = new AbortController();
  const faults: Error[] = [];
  const server = createServer((_, response) => {
    response.on('error', (error) => faults.push(error));
    streamEvents(board, response, { limits: { waitingBytesMax: 1024, heartbeatMs: 60_000 }, signal: closing.signal });
    closing.abort();
    tell({ type: 'link', state: 'away' } as unknown as Parameters<typeof tell>[0]);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const [response] = await once(get({ port: (server.address() as AddressInfo).port }), 'response');
  response.resume();
  await once(response, 'end');
  server.close();
  await once(server, 'close');
  expect(faults).toEqual([]);
});
