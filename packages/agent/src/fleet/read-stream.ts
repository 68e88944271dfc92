import {
  AckPolicy,
  DeliverPolicy,
  JetStreamApiError,
  type JsMsg,
  jetstream,
  jetstreamManager,
} from '@nats-io/jetstream';
import { type NatsConnection, nanos, nuid } from '@nats-io/transport-node';
import { limits } from '../limits.ts';
import { whileConnected } from './connect.ts';

export interface StreamRead {
  readonly stream: string;
  readonly filter: string;
  /** `newest`: the last message of each subject. A number: everything after that stream sequence. */
  readonly after: number | 'newest';
  readonly signal: AbortSignal;
}

/**
 * Reads what a stream holds through one filter right now, in order, and leaves no consumer behind. Rejects when it could
 * not be read to the end, at once when the connection goes; `onMessage` may have seen a part of it then.
 */
export async function readStream(
  connection: NatsConnection,
  read: StreamRead,
  onMessage: (message: JsMsg) => void,
): Promise<void> {
  let isOver = false;
  const take = (message: JsMsg): void => {
    if (!isOver) onMessage(message); // what still comes to a read that was given up is read again
  };
  try {
    await whileConnected(connection, readAll(connection, read, take));
  } finally {
    isOver = true;
  }
}

async function readAll(
  connection: NatsConnection,
  { stream, filter, after, signal }: StreamRead,
  onMessage: (message: JsMsg) => void,
): Promise<void> {
  signal.throwIfAborted();
  const manager = await jetstreamManager(connection, { timeout: limits.requestTimeoutMs, checkAPI: false });
  const info = await manager.consumers.add(stream, {
    // With a name, the filter stands in the subject of the request, where a broker's permissions see what is asked for.
    name: nuid.next(),
    ack_policy: AckPolicy.None,
    filter_subject: filter,
    mem_storage: true,
    // The server removes it by itself should we be cut off.
    inactive_threshold: nanos(60_000),
    ...(after === 'newest'
      ? { deliver_policy: DeliverPolicy.LastPerSubject }
      : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: after + 1 }),
  });
  try {
    const consumer = jetstream(connection, { timeout: limits.requestTimeoutMs }).consumers.getConsumerFromInfo(info);
    for (let left = info.num_pending; left > 0; ) {
      signal.throwIfAborted();
      let got = 0;
      const wanted = Math.min(left, limits.fetchMessagesMax);
      const messages = await consumer.fetch({ max_messages: wanted, expires: limits.requestTimeoutMs });
      for await (const message of messages) {
        got++;
        onMessage(message);
        left = message.info.pending; // of what comes meanwhile, too
      }
      if (left > 0 && got === 0) throw new Error(`read stream ${stream}: ${left} messages of ${filter} did not come`);
    }
  } finally {
    // Not worth a failure: it goes by itself after its threshold.
    await manager.consumers.delete(stream, info.name).catch(() => undefined);
  }
}

/** True when the failure says that the broker has no such stream, bucket or store. */
export const isUnknownStream = (error: unknown): boolean => error instanceof JetStreamApiError && error.code === 10059;

export interface StreamLook {
  readonly lastSeq: number;
  /**
   * Tells a stream from another of its name: one made anew, that of another broker, or what a server that was started again has
   * found of it on its disk. A crash may have cost it the end of what it had, and what came since stands in those places.
   */
  readonly identity: string;
}

export async function lookAtStream(connection: NatsConnection, stream: string): Promise<StreamLook> {
  const manager = await jetstreamManager(connection, { timeout: limits.requestTimeoutMs, checkAPI: false });
  const { state, created } = await whileConnected(connection, manager.streams.info(stream));
  return { lastSeq: state.last_seq, identity: `${created} ${connection.info?.server_id ?? ''}` };
}
