/** One end of a benchmark: `serve|call klp|vscode-jsonrpc PATH`. Ours validates params and results, the peer nothing. */
import { connect, createServer } from 'node:net';
import { createMessageConnection, SocketMessageReader, SocketMessageWriter } from 'vscode-jsonrpc/node';
import { z } from 'zod';
import { answerCommands, built, errors } from './setup.mjs';

const [role, side, path] = process.argv.slice(2);
const runtime = process.versions.bun ? `bun ${process.versions.bun}` : `node ${process.versions.node}`;
const chunkBytes = 65_536;

const { connectClient, defineContract, serveConnection } = await import(built('index'));
const { dialLocal, listenLocal } = await import(built('socket'));

const contract = defineContract({
  handshake: 'system.handshake',
  prompt: ['system.ping'],
  errors,
  methods: {
    'system.handshake': { params: z.object({ client: z.string() }), result: z.object({ server: z.string() }) },
    'system.ping': { params: z.object({}), result: z.object({ pong: z.boolean() }) },
    echo: { params: z.object({ text: z.string() }), result: z.object({ text: z.string() }) },
    output: { params: z.object({ count: z.int() }), result: z.int() },
  },
  pushes: { progress: z.object({ run_id: z.string(), status: z.string(), stdout_chunk: z.string() }) },
});

/** 64 KiB of output as programs write it. */
const line = 'Get:1 http://archive.example.com stable/main amd64 Packages [8,786 kB]\n';
const chunk = line.repeat(Math.ceil(chunkBytes / line.length)).slice(0, chunkBytes);
const progress = { run_id: '0191f0c1-7b1a-7000-8000-000000000001', status: 'running', stdout_chunk: chunk };

async function serveKlp() {
  const listener = await listenLocal({
    path,
    contract,
    accept: () => ({ ok: true }),
    onConnection: (duplex, peer) => {
      serveConnection(duplex, {
        contract,
        peer,
        limits: { requestsPerMinute: Number.POSITIVE_INFINITY },
        handlers: {
          'system.handshake': () => ({ server: 'bench' }),
          'system.ping': () => ({ pong: true }),
          echo: ({ text }) => ({ text }),
          output: async ({ count }, { push }) => {
            for (let sent = 0; sent < count; sent++) await push('progress', progress);
            return count;
          },
        },
      });
    },
  });
  return () => listener.close();
}

async function servePeer() {
  const server = createServer((socket) => {
    const connection = createMessageConnection(new SocketMessageReader(socket), new SocketMessageWriter(socket));
    connection.onRequest('system.ping', () => ({ pong: true }));
    connection.onRequest('echo', ({ text }) => ({ text }));
    connection.onRequest('output', async ({ count }) => {
      for (let sent = 0; sent < count; sent++) await connection.sendNotification('progress', progress);
      return count;
    });
    connection.listen();
  });
  await new Promise((resolve) => server.listen(path, resolve));
  return () => server.close();
}

async function callKlp() {
  let onProgress = () => {};
  const client = connectClient({
    contract,
    dial: ({ signal }) => dialLocal({ path, signal }),
    handshake: { client: 'bench' },
    onPush: (push) => onProgress(push.params),
  });
  await client.ready();
  return {
    call: (method, params) => client.call(method, params),
    onProgress: (listener) => {
      onProgress = listener;
    },
    close: () => client.close(),
  };
}

async function callPeer() {
  const socket = connect(path);
  await new Promise((resolve) => socket.once('connect', resolve));
  const connection = createMessageConnection(new SocketMessageReader(socket), new SocketMessageWriter(socket));
  let onProgress = () => {};
  connection.onNotification('progress', (params) => onProgress(params));
  connection.listen();
  return {
    call: (method, params) => connection.sendRequest(method, params),
    onProgress: (listener) => {
      onProgress = listener;
    },
    close: () => socket.destroy(),
  };
}

/** Round trips per second with `inFlight` calls at a time. */
async function measureCalls(client, { bytes, count, inFlight }) {
  const text = 'x'.repeat(bytes);
  let left = count;
  const worker = async () => {
    while (left-- > 0) {
      const answer = await client.call('echo', { text });
      if (answer.text.length !== bytes) throw new Error('a wrong answer');
    }
  };
  const startedMs = performance.now();
  await Promise.all(Array.from({ length: inFlight }, worker));
  return { perSecond: (count * 1000) / (performance.now() - startedMs) };
}

/** Latency of pings one after the other, in microseconds. */
async function measurePing(client, { count }) {
  const micros = new Float64Array(count);
  for (let at = 0; at < count; at++) {
    const startedMs = performance.now();
    await client.call('system.ping', {});
    micros[at] = (performance.now() - startedMs) * 1000;
  }
  micros.sort();
  return { p50: micros[Math.floor(count * 0.5)], p99: micros[Math.floor(count * 0.99)] };
}

/** MB of output per second that arrive as 64 KiB pushes. */
async function measurePush(client, { count }) {
  let received = 0;
  const all = new Promise((resolve) => {
    client.onProgress(({ stdout_chunk }) => {
      if (stdout_chunk.length !== chunkBytes) throw new Error('a wrong push');
      if (++received === count) resolve();
    });
  });
  const startedMs = performance.now();
  await Promise.all([client.call('output', { count }), all]);
  return { mbPerSecond: (count * chunkBytes) / 1000 / (performance.now() - startedMs) };
}

const measures = { calls: measureCalls, ping: measurePing, push: measurePush };

if (role === 'serve') {
  const close = await (side === 'klp' ? serveKlp() : servePeer());
  await answerCommands({ runtime }, () => ({}));
  await close();
} else {
  const client = await (side === 'klp' ? callKlp() : callPeer());
  await answerCommands({ runtime }, (command) => measures[command.measure](client, command));
  await client.close();
}
process.exit(0);
