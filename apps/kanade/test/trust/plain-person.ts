import { connect } from 'node:net';
import { eventually } from '@kanade/testkit';

export interface Message {
  readonly id?: string | null;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: { readonly kind?: string } };
}

/** A person at the machine who speaks the local protocol by hand: a frame is a 32-bit length, little-endian, and JSON. */
export async function openPlainPerson(path: string) {
  const socket = connect(path);
  const heard: Message[] = [];
  let pending: Buffer = Buffer.alloc(0);
  let sent = 0;
  let isOver = false;
  socket.on('error', () => undefined); // an agent that is killed; calls then fail by their own name
  socket.on('close', () => {
    isOver = true;
  });
  socket.on('data', (chunk) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= 4 && pending.length >= 4 + pending.readUInt32LE(0)) {
      const end = 4 + pending.readUInt32LE(0);
      heard.push(JSON.parse(pending.toString('utf8', 4, end)) as Message);
      pending = pending.subarray(end);
    }
  });

  /** The whole answer, result or error. */
  async function ask(method: string, params: unknown = {}): Promise<Message> {
    const id = String(++sent);
    const body = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    const length = Buffer.alloc(4);
    length.writeUInt32LE(body.length);
    socket.write(Buffer.concat([length, body]));
    return await eventually(`an answer to ${method}`, () => {
      if (isOver) return { error: { code: 0, message: 'the connection is closed' } };
      return heard.find((message) => message.id === id);
    });
  }

  async function call(method: string, params: unknown = {}): Promise<Record<string, unknown>> {
    const { result, error } = await ask(method, params);
    if (error) throw new Error(`${method}: ${error.code} ${error.message}`);
    return result ?? {};
  }

  await call('system.handshake', { client: 'test', client_version: '0', protocol: [1] });
  await call('jobs.subscribe');
  const pushes = (runId: string) =>
    heard
      .filter(({ method, params }) => method === 'jobs.progress' && params?.run_id === runId)
      .map(({ params }) => params ?? {});
  return {
    ask,
    call,
    pushes,
    start: async (id: string) => String((await call('jobs.execute', { id })).run_id),
    /** The last push of a run. */
    end: (runId: string) =>
      eventually(`the end of run ${runId}`, () =>
        pushes(runId).find(({ status }) => status !== 'running' && status !== 'queued'),
      ),
    [Symbol.asyncDispose]: async () => void socket.destroy(),
  };
}
