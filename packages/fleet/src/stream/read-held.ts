import {
  AckPolicy,
  type ConsumerConfig,
  type ConsumerInfo,
  DeliverPolicy,
  type JetStreamManager,
  type JsMsg,
  jetstream,
  jetstreamManager,
  type StreamInfo,
} from '@nats-io/jetstream';
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
  /** `newest`: the last message of each subject. A number: from that sequence on. A moment: what the stream took from then on. */
  readonly from: number | 'newest' | { readonly sinceMs: number };
  /** Messages that are in memory at once; default 256. */
  readonly batchMax?: number | undefined;
  /** What stands in the messages stays with the broker: their subjects, places and headers come. */
  readonly headersOnly?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * What a stream holds right now, in order; what comes meanwhile is not waited for. Leaves no consumer behind. Whoever reads may
 * break off. Rejects when the copy that would be read had not caught up with the others.
 */
export async function* readHeld(
  { connection }: Pick<Fleet, 'connection'>,
  request: HeldRead,
): AsyncGenerator<JsMsg, void> {
  const { stream, signal } = request;
  const manager = await jetstreamManager(connection, { timeout: requestTimeoutMsDefault, checkAPI: false });
  const info = await abortable(readerOf(manager, request, connection.info?.cluster !== undefined), signal);
  try {
    const consumer = jetstream(connection, { timeout: requestTimeoutMsDefault }).consumers.getConsumerFromInfo(info);
    for (let left = info.num_pending; left > 0; ) {
      signal?.throwIfAborted();
      let got = 0;
      const wanted = Math.min(left, request.batchMax ?? fetchMessagesMax);
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

/** Consumers that are tried, each on the copy of a server that the cluster chooses, before a copy that is late is an error. */
const readersMax = 4;

/** A consumer of what a stream holds, on a copy that has all of it. */
async function readerOf(
  manager: JetStreamManager,
  { stream, filter, from, headersOnly = false }: HeldRead,
  isCluster: boolean,
): Promise<ConsumerInfo> {
  for (let tried = 1; ; tried++) {
    const copies = isCluster ? await manager.streams.info(stream) : undefined;
    const info = await manager.consumers.add(stream, {
      // With a name, stream and filter stand in the subject of the request, where a broker's permissions see what is asked for.
      name: nuid.next(),
      ack_policy: AckPolicy.None,
      mem_storage: true,
      inactive_threshold: nanos(inactiveMs),
      ...(filter === undefined ? {} : { filter_subject: filter }),
      ...(headersOnly ? { headers_only: true } : {}),
      ...beginning(from, filter),
    });
    if (!isLate(copies, info)) return info;
    await manager.consumers.delete(stream, info.name).catch(() => undefined);
    if (tried === readersMax)
      throw new Error(`reading stream ${stream}: ${info.cluster?.leader} is not up to date yet`);
  }
}

function beginning(from: HeldRead['from'], filter: string | undefined): Partial<ConsumerConfig> {
  if (from === 'newest') return { deliver_policy: DeliverPolicy.LastPerSubject, filter_subject: filter ?? '>' };
  if (typeof from === 'number')
    return { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: Math.max(1, from) };
  return { deliver_policy: DeliverPolicy.StartTime, opt_start_time: new Date(from.sinceMs).toISOString() };
}

/**
 * On a cluster a consumer reads the copy of one server, which may have come back just now with an old one: as its leader saw the
 * copies before the consumer was made.
 */
export function isLate(
  copies: Pick<StreamInfo, 'cluster'> | undefined,
  { cluster }: Pick<ConsumerInfo, 'cluster'>,
): boolean {
  const reader = cluster?.leader;
  const { leader, replicas = [] } = copies?.cluster ?? {};
  if (reader === undefined || leader === undefined || reader === leader) return false;
  const copy = replicas.find(({ name }) => name === reader);
  return !copy?.current || (copy.lag ?? 0) > 0;
}
