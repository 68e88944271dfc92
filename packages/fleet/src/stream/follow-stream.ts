import { setTimeout as pause } from 'node:timers/promises';
import { type Consumer, type ConsumerMessages, DeliverPolicy, type JsMsg } from '@nats-io/jetstream';
import type { Fleet } from '../connection/connect-fleet.ts';
import { abortable } from '../fault/abortable.ts';
import { brokerFault } from '../fault/translate.ts';

/** How many messages are on their way to us at a time. */
const messagesInFlight = 64;
/** How long one pull stands, in ms. A consumer that a restart of the broker took away is noticed after about as long. */
const pullMs = 2_000;
/** How long the broker keeps a consumer that nobody asks any more, in ms. */
const inactiveMs = 60_000;
/** How long a cluster may take to choose a leader, in ms: until then it answers nothing, or that it has none. */
const electionMs = 30_000;
/** Pause before a cluster without a leader is asked again, in ms. */
const againMs = 250;
/** How long the broker may take to release it at the end, in ms. */
const releaseMs = 1_000;

export interface StreamFollow {
  readonly stream: string;
  readonly filter?: string | undefined;
  /** Begin with this sequence. */
  readonly from: number;
  readonly signal?: AbortSignal | undefined;
}

/** Messages of a stream, those that are there first, then each as it comes, until the signal aborts: then it throws its reason. */
export async function* followStream(fleet: Fleet, request: StreamFollow): AsyncGenerator<JsMsg, void> {
  const { signal } = request;
  let messages: ConsumerMessages | undefined;
  const onAbort = (): void => messages?.stop();
  signal?.addEventListener('abort', onAbort, { once: true });
  const creating = createConsumer(fleet, request);
  try {
    const consumer = await abortable(creating, signal);
    messages = await abortable(consumer.consume({ max_messages: messagesInFlight, expires: pullMs }), signal);
    // An abort in the turns before this one found nothing to stop.
    signal?.throwIfAborted();
    yield* messages;
    signal?.throwIfAborted();
  } finally {
    signal?.removeEventListener('abort', onAbort);
    // Not closed, which waits for whoever reads them: they may not have been read at all.
    messages?.stop();
    // What an unreachable broker keeps goes by itself after inactiveMs.
    const release = creating.then((consumer) => consumer.delete()).catch(() => false);
    await abortable(release, AbortSignal.timeout(releaseMs)).catch(() => false);
  }
}

async function createConsumer(fleet: Fleet, { stream, filter, from, signal }: StreamFollow): Promise<Consumer> {
  const isCluster = fleet.connection.info?.cluster !== undefined;
  const sinceMs = performance.now();
  for (;;) {
    try {
      return await fleet.jetstream.consumers.get(stream, {
        ...(filter === undefined ? {} : { filter_subjects: filter }),
        ...(from <= 1
          ? { deliver_policy: DeliverPolicy.All }
          : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: from }),
        inactive_threshold: inactiveMs,
      });
    } catch (error) {
      const mayElect = isCluster && performance.now() - sinceMs < electionMs && !signal?.aborted;
      if (!mayElect || brokerFault(error)?.code !== 'broker_timeout') throw error;
      await pause(againMs);
    }
  }
}
