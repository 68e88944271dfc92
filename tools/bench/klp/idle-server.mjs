/** A server of idle connections, ours or vscode-jsonrpc: `klp|vscode-jsonrpc PATH`. Says how much memory it holds and how long it stood still. */
import { createServer } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createMessageConnection, SocketMessageReader, SocketMessageWriter } from 'vscode-jsonrpc/node';
import { z } from 'zod';
import { answerCommands, built, errors } from './setup.mjs';

const [side, path] = process.argv.slice(2);
const collect = globalThis.Bun ? () => globalThis.Bun.gc(true) : globalThis.gc;
const { defineContract, serveConnection } = await import(built('index'));
const { listenLocal } = await import(built('socket'));

const contract = defineContract({
  handshake: 'system.handshake',
  errors,
  methods: {
    'system.handshake': { params: z.object({}), result: z.object({}) },
    'system.ping': { params: z.object({}), result: z.object({}) },
  },
  pushes: {},
});
const handlers = { 'system.handshake': () => ({}), 'system.ping': () => ({}) };
let count = 0;

if (side === 'klp') {
  await listenLocal({
    path,
    contract,
    accept: () => ({ ok: true }),
    limits: { connectionsMax: 20_000, connectionsPerUserMax: 20_000 },
    onConnection: (duplex, peer) => {
      count++;
      const connection = serveConnection(duplex, { contract, handlers, peer, limits: { lingerMs: 100 } });
      connection.closed.then(() => count--);
    },
  });
} else {
  const server = createServer((socket) => {
    count++;
    socket.once('close', () => count--);
    const connection = createMessageConnection(new SocketMessageReader(socket), new SocketMessageWriter(socket));
    for (const [method, handler] of Object.entries(handlers)) connection.onRequest(method, handler);
    connection.listen();
  });
  await new Promise((resolve) => server.listen({ path, backlog: 4_096 }, resolve));
}

const delay = monitorEventLoopDelay({ resolution: 10 });
await answerCommands({}, async ({ command }) => {
  if (command === 'watch') {
    delay.enable();
    return {};
  }
  if (command === 'stall') return { longestMs: delay.max / 1e6 };
  for (let pass = 0; pass < 3; pass++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    rss: process.memoryUsage().rss,
    count,
    runtime: process.versions.bun ? `bun ${process.versions.bun}` : `node ${process.versions.node}`,
  };
});
process.exit(0);
