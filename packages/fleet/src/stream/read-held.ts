import { AckPolicy, DeliverPolicy, type JsMsg, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { nanos, nuid } from '@nats-io/transport-node';
import { type Fleet, requestTimeoutMsDefault } from '../connection/connect-fleet.ts';
import { abortable } from '../fault/abortable.ts';

/** Messages of one fetch. */
const fetchMessagesMax = 256;
/** How long the broker keeps a consumer that we could not take away, in ms. */
const inactiveMs = 60_000;

export interface HeldRead {
  readonly stream: string;
  /** Default: everything in the stream. */
  readonly filter?: string | undefined;
  /** `newest`: the last message of each subject. A number: from that sequence on. */
  readonly from: number | 'newest';
  readonly signal?: AbortSignal | undefined;
}

/**
 * What a stream holds right now, in order; what comes meanwhile is not waited for. Leaves no consumer behind. Whoever reads may
 * break off.
 */
export async function* readHeld(
  { connection }: Pick<Fleet, 'connection'>,
  request: HeldRead,
): AsyncGenerator<JsMsg, void> {
  const { stream, filter, from, signal } = request;
  const manager = await jetstreamManager(connection, { timeout: requestTimeoutMsDefault, checkAPI: false });
  const adding = manager.consumers.add(stream, {
    // With a name, stream and filter stand in the subject of the request, where a broker's permissions see what is asked for.
    name: nuid.next(),
    ack_policy: AckPolicy.None,
    mem_storage: true,
    inactive_threshold: nanos(inactiveMs),
    ...(filter === undefined ? {} : { filter_subject: filter }),
    ...(from === 'newest'
      ? { deliver_policy: DeliverPolicy.LastPerSubject, filter_subject: filter ?? '>' }
      : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: Math.max(1, from) }),
  });
  const info = await abortable(adding, signal);
  try {
    const consumer = jetstream(connection, { timeout: requestTimeoutMsDefault }).consumers.getConsumerFromInfo(info);
    for (let left = info.num_pending; left > 0; ) {
      signal?.throwIfAborted();
      let got = 0;
      const wanted = Math.min(left, fetchMessagesMax);
      const messages = await consumer.fetch({ max_messages: wanted, expires: requestTimeoutMsDefault });
      for await (const message of messages) {
        got++;
        // Others may take messages away meanwhile, and new ones come.
        left = Math.min(left - 1, message.info.pending);
        yield message;
      }
      if (left > 0 && got === 0) {
        // Messages that others took away meanwhile cannot come.
        const before = left;
        left = (await manager.consumers.info(stream, info.name)).num_pending;
        if (left >= before) throw new Error(`reading stream ${stream}: ${left} messages did not come`);
      }
    }
  } finally {
    // Not worth a failure: it goes by itself.
    await manager.consumers.delete(stream, info.name).catch(() => undefined);
  }
}
