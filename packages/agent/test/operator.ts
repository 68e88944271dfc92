import { connectFleet } from '@kanade/fleet';
import { createTopology } from '@kanade/fleet/topology';
import { type Command, EventStarted, ExecResult } from '@kanade/shared/fleet';
import { eventually } from '@kanade/testkit';
import { onTestFinished } from 'vitest';

/** An operator on the broker, who remembers what came in. */
export interface Operator {
  /** Sends an order, or bytes in its place, and resolves when the broker keeps it. */
  order(subject: string, command: Command | string): Promise<void>;
  /** Sets a value in a bucket. */
  put(bucket: string, key: string, value: string): Promise<void>;
  kill(execId: string): void;
  ping(pc: string): Promise<Record<string, unknown>>;
  all(): readonly ExecResult[];
  results(requestId: string): ExecResult[];
  result(requestId: string): Promise<ExecResult>;
  started(requestId: string): EventStarted[];
  /** The bytes of an object, put together from its chunks as clients do. */
  object(store: string, name: string): Promise<Buffer>;
  setUp(): Promise<void>;
}

export async function openOperator(url: string, { setUp = true } = {}): Promise<Operator> {
  const fleet = await connectFleet({ servers: url, name: 'operator' });
  onTestFinished(() => fleet[Symbol.asyncDispose]());
  const { connection, jetstream } = fleet;
  const results: ExecResult[] = [];
  const started: EventStarted[] = [];

  async function read(stream: string, onMessage: (value: unknown) => void): Promise<void> {
    const consumer = await jetstream.consumers.get(stream);
    const messages = await consumer.consume({ callback: (message) => onMessage(message.json()) });
    onTestFinished(async () => void (await messages.close()));
  }
  async function doSetUp(): Promise<void> {
    await createTopology(connection);
    await read('RESULTS', (value) => results.push(ExecResult.parse(value)));
    await read('EVENTS', (value) => started.push(EventStarted.parse(value)));
  }
  if (setUp) await doSetUp();

  const of = (requestId: string): ExecResult[] => results.filter(({ request_id }) => request_id === requestId);
  return {
    async order(subject, command) {
      await jetstream.publish(subject, typeof command === 'string' ? command : JSON.stringify(command));
    },
    async put(bucket, key, value) {
      await jetstream.publish(`$KV.${bucket}.${key}`, value);
    },
    kill: (execId) => connection.publish(`kill.${execId}`),
    ping: async (pc) => (await connection.request(`agents.${pc}.ping`)).json(),
    all: () => results,
    results: of,
    result: (requestId) => eventually(`the result of ${requestId}`, () => of(requestId)[0]),
    started: (requestId) => started.filter(({ request_id }) => request_id === requestId),
    async object(store, name) {
      const manager = await jetstream.jetstreamManager();
      const subject = `$O.${store}.M.${Buffer.from(name).toString('base64url')}`;
      const meta = await manager.streams.getMessage(`OBJ_${store}`, { last_by_subj: subject });
      const { nuid, chunks } = meta?.json<{ nuid: string; chunks: number }>() ?? { nuid: '', chunks: 0 };
      const parts: Uint8Array[] = [];
      const consumer = await jetstream.consumers.get(`OBJ_${store}`, { filter_subjects: `$O.${store}.C.${nuid}` });
      if (chunks > 0)
        for await (const part of await consumer.fetch({ max_messages: chunks })) parts.push(part.data.slice());
      return Buffer.concat(parts);
    },
    setUp: doSetUp,
  };
}

let count = 0;

/** An order as small as can be, with ids of its own. */
export function commandFor(script: string, more: Partial<Command> = {}): Command {
  count++;
  return {
    id: 'job',
    version: '1',
    request_id: `request-${count}`,
    exec_id: `exec-${count}`,
    shell: 'sh',
    script,
    timeout_secs: 60,
    ...more,
  };
}
