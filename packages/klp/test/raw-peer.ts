import type { Duplex } from 'node:stream';
import { createFrameDecoder, encodeFrame } from '../src/index.ts';

/** A peer that sends what it is told, however wrong, and keeps what comes back. */
export interface RawPeer {
  duplex: Duplex;
  send(body: unknown): void;
  sendBytes(bytes: Uint8Array): void;
  /** The next frame's JSON; rejects when the stream ends before it. */
  receive(): Promise<Record<string, unknown>>;
  /** Resolves when the other side ended the stream, with the frames nobody asked for. */
  ended: Promise<Record<string, unknown>[]>;
}

export function createRawPeer(duplex: Duplex): RawPeer {
  const decoder = createFrameDecoder();
  const received: Record<string, unknown>[] = [];
  const ended = Promise.withResolvers<Record<string, unknown>[]>();
  let wake = () => {};
  let isOver = false;
  const over = () => {
    isOver = true;
    ended.resolve(received);
    wake();
  };
  duplex.on('data', (chunk: Buffer) => {
    decoder.push(chunk);
    for (let frame = decoder.next(); frame?.kind === 'body'; frame = decoder.next())
      received.push(JSON.parse(frame.text));
    wake();
  });
  duplex.on('end', over);
  duplex.on('close', over);
  duplex.on('error', () => {});
  return {
    duplex,
    send: (body) => duplex.write(encodeFrame(JSON.stringify(body))),
    sendBytes: (bytes) => duplex.write(bytes),
    receive: async () => {
      while (received.length === 0) {
        if (isOver) throw new Error('the stream ended');
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return received.shift() as Record<string, unknown>;
    },
    ended: ended.promise,
  };
}

export function request(id: string, method: string, params?: unknown): Record<string, unknown> {
  return { jsonrpc: '2.0', id, method, params };
}

/** A raw peer that has shaken hands. */
export async function handshaken(duplex: Duplex): Promise<RawPeer> {
  const peer = createRawPeer(duplex);
  peer.send(request('h', 'system.handshake', { client: 'raw' }));
  await peer.receive();
  return peer;
}
