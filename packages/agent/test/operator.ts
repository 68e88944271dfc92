import { connectFleet, type FollowedResult, followResults } from '@kanade/fleet';
import { readHeld } from '@kanade/fleet/connection';
import { createTopology } from '@kanade/fleet/topology';
import { type Command, EventStarted, ExecResult, Heartbeat, ObsEvent } from '@kanade/shared/fleet';
import { eventually, patienceMs } from '@kanade/testkit';
import type { StreamUpdateConfig } from '@nats-io/jetstream';
import { type ObjectStore, Objm } from '@nats-io/obj';
import { headers } from '@nats-io/transport-node';
import { onTestFinished } from 'vitest';

/** An operator on the broker. What came in is read from the streams each time, so restarts of the server do not matter. */
export interface Operator {
  /** Sends an order, or a text in its place, and resolves when the broker keeps it. */
  order(subject: string, command: Command | string, headers?: Readonly<Record<string, string>>): Promise<void>;
  /** Sets a value in a bucket. */
  put(bucket: string, key: string, value: string): Promise<void>;
  kill(execId: string): void;
  /** Resolves with the first heartbeat that comes because of `cause`. */
  beat(pc: string, cause: () => Promise<unknown>): Promise<Heartbeat>;
  ping(pc: string): Promise<Record<string, unknown>>;
  /** What machines have told of themselves, as far as the broker keeps it. */
  events(): Promise<ObsEvent[]>;
  /** Takes a stream away, or gives one another limit of bytes. */
  change(stream: string, change: 'gone' | { max_bytes: number; discard?: 'new' | 'old' }): Promise<void>;
  /** Everything in stream RESULTS. */
  results(): Promise<ExecResult[]>;
  /** Resolves with the result of one request, which must be the only one. */
  result(requestId: string): Promise<ExecResult>;
  /** Resolves when the run of this request has begun. */
  started(requestId: string): Promise<EventStarted>;
  /** All starts that were told of the runs of this request. */
  starts(requestId: string): Promise<EventStarted[]>;
  /** The first results of a request as `kanade fleet exec --wait` gets them, long output fetched. */
  followed(requestId: string, count: number): Promise<FollowedResult[]>;
  /** An object store as the official client has it. */
  store(name: string): Promise<ObjectStore>;
  /** What a stream holds below a filter, in order. */
  held(stream: string, filter: string): Promise<{ subject: string; text: string }[]>;
  setUp(): Promise<void>;
  /** Makes a stream anew, with the same configuration and nothing in it. */
  renew(stream: string): Promise<void>;
  /** Takes the first message of a subject out of its stream. */
  loseFirst(stream: string, subject: string): Promise<void>;
  /** Makes a bucket that setting up does not. */
  addBucket(name: string): Promise<void>;
}

export async function openOperator(url: string, { setUp = true } = {}): Promise<Operator> {
  const fleet = await connectFleet({ servers: url, name: 'operator' });
  onTestFinished(() => fleet[Symbol.asyncDispose]());
  const { connection, jetstream } = fleet;
  const doSetUp = async (): Promise<void> => void (await createTopology(connection));
  if (setUp) await doSetUp();

  async function read(stream: string): Promise<unknown[]> {
    await connection.flush(); // a request sent while away is never answered
    const { streams } = await jetstream.jetstreamManager();
    const { first_seq, last_seq } = (await streams.info(stream)).state;
    const values: unknown[] = [];
    for (let seq = Math.max(1, first_seq); seq <= last_seq; seq++) {
      // What a broker has lost from the middle of a stream is no message any more.
      const message = await streams.getMessage(stream, { seq });
      if (message) values.push(message.json());
    }
    return values;
  }
  const starts = async (requestId: string): Promise<EventStarted[]> => {
    const events = (await read('EVENTS')).map((value) => EventStarted.parse(value));
    return events.filter(({ request_id }) => request_id === requestId);
  };
  const results = async (): Promise<ExecResult[]> => (await read('RESULTS')).map((value) => ExecResult.parse(value));
  return {
    async order(subject, command, given = {}) {
      const carried = headers();
      for (const [name, value] of Object.entries(given)) carried.set(name, value);
      const body = typeof command === 'string' ? command : JSON.stringify(command);
      await jetstream.publish(subject, body, { headers: carried });
    },
    async put(bucket, key, value) {
      await jetstream.publish(`$KV.${bucket}.${key}`, value);
    },
    kill: (execId) => connection.publish(`kill.${execId}`),
    async beat(pc, cause) {
      const beats: Heartbeat[] = [];
      const subscription = connection.subscribe(`heartbeat.${pc}`, {
        callback: (_, message) => {
          beats.push(Heartbeat.parse(message.json()));
        },
      });
      await connection.flush();
      await cause();
      const first = await eventually(`a heartbeat of ${pc}`, () => beats[0]);
      subscription.unsubscribe();
      return first;
    },
    ping: async (pc) => (await connection.request(`agents.${pc}.ping`)).json(),
    results,
    events: async () => (await read('OBS_EVENTS')).map((value) => ObsEvent.parse(value)),
    async change(stream, change) {
      const { streams } = await jetstream.jetstreamManager();
      if (change === 'gone') await streams.delete(stream);
      else await streams.update(stream, change as Partial<StreamUpdateConfig>);
    },
    result: (requestId) =>
      eventually(`the result of ${requestId}`, async () => {
        const own = (await results()).filter(({ request_id }) => request_id === requestId);
        if (own.length > 1) throw new Error(`${requestId} has ${own.length} results`);
        return own[0];
      }),
    started: (requestId) => eventually(`the start of ${requestId}`, async () => (await starts(requestId))[0]),
    starts,
    async followed(requestId, count) {
      const followed: FollowedResult[] = [];
      const signal = AbortSignal.timeout(patienceMs);
      for await (const result of followResults(fleet, { requestId, signal })) {
        if (followed.push(result) === count) break;
      }
      return followed;
    },
    store: (name) => new Objm(jetstream).open(name),
    async held(stream, filter) {
      const messages: { subject: string; text: string }[] = [];
      for await (const message of readHeld(fleet, { stream, filter, from: 1 }))
        messages.push({ subject: message.subject, text: message.string() });
      return messages;
    },
    setUp: doSetUp,
    async renew(stream) {
      const { streams } = await jetstream.jetstreamManager();
      const { config } = await streams.info(stream);
      await streams.delete(stream);
      await streams.add(config);
    },
    async loseFirst(stream, subject) {
      const { direct, streams } = await jetstream.jetstreamManager();
      const message = await direct.getMessage(stream, { seq: 1, next_by_subj: subject });
      await streams.deleteMessage(stream, message?.seq ?? 0);
    },
    async addBucket(name) {
      const { streams } = await jetstream.jetstreamManager();
      const { config } = await streams.info('KV_agent_groups');
      await streams.add({ ...config, name: `KV_${name}`, subjects: [`$KV.${name}.>`] });
    },
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
