import type { Outbox, QueuedRecord } from '@kanade/outbox';
import { ExecResult, objectStores, outputKey, parseSubject, resultInlineBytesMax, streams } from '@kanade/shared/fleet';
import { type JetStreamClient, jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { Logger } from '../config/logger.ts';
import { limits } from '../limits.ts';
import { cutToBytes } from '../report/report.ts';
import { putObject } from './objects.ts';
import { isMissingStream, lastSequence } from './read-stream.ts';
import { createRepeated } from './repeat.ts';

export interface Publish {
  /** The connection is up: looks whether the broker has our streams, then delivers. */
  online(connection: NatsConnection): void;
  /** The connection went: nothing is attempted until there is one again. */
  away(): void;
}

export interface PublishOptions {
  readonly outbox: Outbox;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/**
 * Delivers the outbox into JetStream, each record under its id, so that a second delivery is dropped by the broker. A
 * broker without our streams counts as away: nothing is attempted, nothing is held against a record.
 */
export function createPublish({ outbox, log, signal }: PublishOptions): Publish & { drained: Promise<void> } {
  let connection: NatsConnection | undefined;
  /** The connection on which the streams were seen. */
  let ready: NatsConnection | undefined;
  const underWay = createUnderWay();

  const look = createRepeated({
    run: async () => {
      const open = connection;
      if (!open) return;
      await lastSequence(open, streams.results);
      if (open !== connection) return; // gone meanwhile
      ready = open;
      outbox.wake();
    },
    onError: (error, failures) =>
      log[failures === 1 ? 'warn' : 'debug'](
        { err: error },
        'the broker has no stream for results; results wait (kanade fleet setup makes it)',
      ),
    retryMs: limits.readRetryMs,
    signal,
  });

  const drained = outbox
    .drain({
      signal,
      isOnline: () => ready !== undefined,
      async deliver(record, { deadlineMs }) {
        const open = ready;
        if (!open) throw new Error('the broker is away');
        await underWay.hold(publishOn(open, record, { deadlineMs, log }));
      },
    })
    .then(
      () => undefined,
      (error: unknown) => log.fatal({ err: error }, 'results cannot be delivered any more; they are kept on disk'),
    );

  return {
    drained,
    online(open) {
      connection = open;
      ready = undefined;
      look.kick();
    },
    away() {
      connection = undefined;
      ready = undefined;
      underWay.giveUp(new Error('the connection to the broker went'));
    },
  };
}

/** Attempts on a connection. No answer comes on it any more when it is gone: whoever waits is told at once. */
function createUnderWay() {
  const waiting = new Set<(reason: Error) => void>();
  return {
    async hold(attempt: Promise<void>): Promise<void> {
      const gone = Promise.withResolvers<never>();
      waiting.add(gone.reject);
      try {
        await Promise.race([attempt, gone.promise]);
      } finally {
        waiting.delete(gone.reject);
      }
    },
    giveUp(reason: Error): void {
      for (const reject of waiting) reject(reason);
    },
  };
}

async function publishOn(
  connection: NatsConnection,
  { id, subject, body }: QueuedRecord,
  { deadlineMs, log }: { deadlineMs: number; log: Logger },
): Promise<void> {
  const js = jetstream(connection, { timeout: limits.requestTimeoutMs });
  const isResult = parseSubject(subject)?.kind === 'result';
  const payload = isResult ? await offload({ connection, jetstream: js }, { body, log }) : body;
  await js.publish(subject, payload, { msgID: id, timeout: Math.max(1, deadlineMs - Date.now()) });
}

/** Moves long output into the object store, so that the result fits into one message. */
async function offload(
  broker: { connection: NatsConnection; jetstream: JetStreamClient },
  { body, log }: { body: Uint8Array; log: Logger },
): Promise<Uint8Array> {
  // Nothing in a short message can be too long for one.
  if (body.length <= resultInlineBytesMax) return body;
  const result = ExecResult.parse(JSON.parse(Buffer.from(body).toString('utf8')));
  let isChanged = false;
  for (const stream of ['stdout', 'stderr'] as const) {
    const bytes = Buffer.from(result[stream]);
    // What counts is the length on the wire: control characters take six bytes each.
    if (Math.max(bytes.length, Buffer.byteLength(JSON.stringify(result[stream])) / 1.5) <= resultInlineBytesMax)
      continue;
    isChanged = true;
    const name = outputKey(result.result_id, stream);
    try {
      await putObject(broker, { store: objectStores.resultOutput, name, bytes });
      result[stream] = '';
      result[`${stream}_object`] = name;
    } catch (error) {
      if (!isMissingStream(error)) throw error;
      log.warn({ request_id: result.request_id, stream }, 'the broker has no store for long output; the result is cut');
      const kept = cutToBytes(result[stream], resultInlineBytesMax / 4);
      result[stream] =
        `${kept}\n[kanade] output truncated: the broker has no object store ${objectStores.resultOutput}\n`;
    }
  }
  return isChanged ? Buffer.from(JSON.stringify(result)) : body;
}
