import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { onTestFinished } from 'vitest';
import {
  type Client,
  type ClientOptions,
  type Connection,
  connectClient,
  KlpError,
  type ServeOptions,
  type ServerEvent,
  serveConnection,
} from '../src/index.ts';
import { createMemoryPair } from '../src/memory.ts';
import { dialLocal, listenLocal, type SocketLimits } from '../src/socket.ts';
import { contract, type TestContract } from './contract.ts';

export interface TestPeer {
  user: string;
}

/** What handlers and connections did, for the tests to look at and to steer. */
export interface TestServer {
  dial: (options?: { signal?: AbortSignal }) => Promise<Duplex>;
  events: ServerEvent[];
  connections: Connection<TestContract>[];
  /** Lets every `gate.wait` of this name go on. */
  open(gate: string): void;
  /** How many `gate.wait` of this name are waiting. */
  waitingAt(gate: string): number;
  abortedGates: string[];
  /** Why each `reason.wait` was aborted. */
  abortReasons: unknown[];
  sessions: TestSession[];
  stop(): Promise<void>;
}

interface TestSession {
  count: number;
  subscribed: number;
  unsubscribed: string[];
}

type Options = Partial<ServeOptions<TestContract, TestPeer, TestSession>>;

export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'klp-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A server of the test contract over streams inside this process. */
export async function serveInMemory(options: Options = {}): Promise<TestServer> {
  const { take, server } = createTestServer(options);
  server.dial = async () => {
    const pair = createMemoryPair();
    take(pair.server, { user: 'in-process' });
    return pair.client;
  };
  onTestFinished(() => server.stop());
  return server;
}

/** The same server behind a real socket. */
export async function serveOnSocket(
  options: Options & { path?: string; listenLimits?: Partial<SocketLimits> } = {},
): Promise<TestServer> {
  const path = options.path ?? join(temporaryDirectory(), 'test.sock');
  const { take, server } = createTestServer(options);
  const listener = await listenLocal({
    path,
    contract,
    accept: () => ({ ok: true }),
    onConnection: (duplex, peer) => take(duplex, peer),
    ...(options.listenLimits ? { limits: options.listenLimits } : {}),
  });
  const stopConnections = server.stop;
  server.stop = async () => {
    await listener.close();
    await stopConnections();
  };
  server.dial = ({ signal } = {}) => dialLocal({ path, signal });
  onTestFinished(() => server.stop());
  return server;
}

/** The same server behind a Windows pipe. No peer identity can be had there, so it is not `listenLocal` that accepts. */
async function serveOnPipe(options: Options = {}): Promise<TestServer> {
  const path = pipePath();
  const { take, server } = createTestServer(options);
  const listener = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) =>
    take(socket, { user: 'pipe' }),
  );
  listener.listen(path);
  await once(listener, 'listening');
  const stopConnections = server.stop;
  server.stop = async () => {
    listener.close();
    await stopConnections();
  };
  server.dial = ({ signal } = {}) => dialLocal({ path, signal });
  onTestFinished(() => server.stop());
  return server;
}

/** Two connected streams of this system's local kind. */
async function connectLocal(path: string): Promise<{ client: Duplex; server: Duplex }> {
  const listener = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  listener.listen(path);
  await once(listener, 'listening');
  const accepted = once(listener, 'connection');
  const client = await dialLocal({ path });
  const [server] = (await accepted) as [Duplex];
  listener.close();
  onTestFinished(() => {
    client.destroy();
    server.destroy();
  });
  return { client, server };
}

/** Every way for two peers to meet that this system has; each suite of the contract runs over all of them. */
export const transports: readonly {
  name: string;
  serve: (options?: Options) => Promise<TestServer>;
  openPair: () => Promise<{ client: Duplex; server: Duplex }>;
}[] = [
  { name: 'memory', serve: serveInMemory, openPair: async () => createMemoryPair() },
  process.platform === 'win32'
    ? { name: 'pipe', serve: serveOnPipe, openPair: () => connectLocal(pipePath()) }
    : { name: 'socket', serve: serveOnSocket, openPair: () => connectLocal(join(temporaryDirectory(), 's')) },
];

const pipePath = (): string => `\\\\.\\pipe\\klp-test-${randomUUID()}`;

function createTestServer(options: Options) {
  const gates = new Map<string, Set<() => void>>();
  const server: TestServer = {
    dial: () => Promise.reject(new Error('not listening')),
    events: [],
    connections: [],
    abortedGates: [],
    abortReasons: [],
    sessions: [],
    open: (gate) => {
      for (const pass of gates.get(gate) ?? []) pass();
    },
    waitingAt: (gate) => gates.get(gate)?.size ?? 0,
    stop: async () => {
      await Promise.all(server.connections.map((connection) => connection.close()));
    },
  };

  function waitAt(gate: string, signal: AbortSignal): Promise<null> {
    const waiting = gates.get(gate) ?? new Set();
    gates.set(gate, waiting);
    return new Promise((resolve, reject) => {
      const pass = () => {
        waiting.delete(pass);
        resolve(null);
      };
      waiting.add(pass);
      signal.addEventListener('abort', () => {
        waiting.delete(pass);
        server.abortedGates.push(gate);
        reject(signal.reason);
      });
    });
  }

  function take(duplex: Duplex, peer: TestPeer): void {
    const connection = serveConnection<TestContract, TestPeer, TestSession>(duplex, {
      contract,
      peer,
      createSession: () => {
        const session = { count: 0, subscribed: 0, unsubscribed: [] };
        server.sessions.push(session);
        return session;
      },
      handlers: {
        'system.handshake': (_params, context) => ({ server: 'test', user: context.peer.user }),
        'system.ping': () => ({ pong: true }),
        'text.echo': ({ text, times }) => ({ text: text.repeat(times) }),
        'session.count': (_params, { session }) => ++session.count,
        'gate.wait': ({ gate }, { signal }) => waitAt(gate, signal),
        'gate.ignore': ({ gate }) => waitAt(gate, new AbortController().signal),
        'reason.wait': (_params, { signal }) =>
          new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => {
              server.abortReasons.push(signal.reason);
              reject(signal.reason);
            });
          }),
        'item.subscribe': (_params, { session }) => ({ subscription: `sub-${++session.subscribed}` }),
        'item.unsubscribe': ({ subscription }, { session }) => {
          session.unsubscribed.push(subscription);
          return null;
        },
        'fail.loudly': () => {
          throw new Error('the password is hunter2');
        },
        'fail.politely': () => {
          throw new KlpError('NotFound', 'no such thing');
        },
        'fail.shape': () => 'not a number' as unknown as number,
        'fail.cyclic': () => {
          const cyclic: Record<string, unknown> = {};
          cyclic.self = cyclic;
          return cyclic;
        },
        'push.burst': async ({ count, chars, droppable }, { push }) => {
          const filler = 'x'.repeat(chars);
          const outcomes = await Promise.all(
            Array.from({ length: count }, (_, n) => push('burst.item', { n, filler }, { droppable })),
          );
          await push('burst.done', {});
          return {
            sent: outcomes.filter((o) => o === 'queued').length,
            dropped: outcomes.filter((o) => o === 'dropped').length,
          };
        },
      },
      ...options,
      limits: { requestsPerMinute: Number.POSITIVE_INFINITY, lingerMs: 30, ...options.limits },
      onEvent: (event) => server.events.push(event),
    });
    server.connections.push(connection);
  }

  return { take, server };
}

export type TestClient = Client<TestContract>;

/** A client of the test contract, closed when the test is over. */
export function connectTo(
  server: Pick<TestServer, 'dial'>,
  options: Partial<ClientOptions<TestContract>> = {},
): TestClient {
  const client = connectClient({
    contract,
    dial: (dialOptions) => server.dial(dialOptions),
    handshake: { client: 'test' },
    ...options,
    limits: { backoffFirstMs: 5, backoffMaxMs: 20, lingerMs: 30, ...options.limits },
  });
  onTestFinished(() => client.close());
  return client;
}
