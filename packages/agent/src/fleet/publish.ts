import { setTimeout as sleep } from 'node:timers/promises';
import { type DeliverContext, type Outbox, OutboxError, type QueuedRecord } from '@kanade/outbox';
import type { Jobs } from '@kanade/runner';
import { parseSubject, removalHeader, resultInlineBytesMax, streams } from '@kanade/shared/fleet';
import { jetstream, type PubAck } from '@nats-io/jetstream';
import { headers as createHeaders, type MsgHdrs, type NatsConnection } from '@nats-io/transport-node';
import type { Logger } from '../config/logger.ts';
import { limits } from '../limits.ts';
import { isEventId } from '../report/events.ts';
import { uploadsHeader } from '../report/uploads.ts';
import { lookAtStream, type StreamLook } from './connect.ts';
import { createRepeated } from './repeat.ts';
import { type Receipt, resendLost } from './resend.ts';
import { dropFiles, isFull, withObjects, withoutLongTexts } from './upload.ts';

export interface Publish {
  /** The connection is up: looks whether the broker has our streams, then delivers. */
  online(connection: NatsConnection): void;
  /** The connection went: nothing is attempted until there is one again. */
  away(): void;
}

export interface PublishOptions {
  readonly outbox: Outbox;
  /** Where output that is too long for a message is until it is delivered. */
  readonly jobs: Pick<Jobs, 'at' | 'readBytes'>;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/**
 * Delivers the outbox into JetStream, each record under its id, so that a second delivery is dropped by the broker. A
 * broker without our streams counts as away: nothing is attempted, nothing is held against a record.
 */
export function createPublish({ outbox, jobs, log, signal }: PublishOptions): Publish & { drained: Promise<void> } {
  let connection: NatsConnection | undefined;
  let ready: Ready | undefined;
  /** Wait before the streams are looked at again, in ms. */
  let pauseMs = 0;
  const underWay = createUnderWay();
  const storeFull = createNotice(log);
  const kept = createKept({ outbox, log, onRolledBack: () => look.kick() });
  const look = createRepeated({
    run: async () => {
      if (pauseMs > 0) await sleep(pauseMs, undefined, { signal, ref: false });
      const open = connection;
      if (!open) return;
      const stream = await lookAtStream(open, streams.results);
      await replayQuarantine(outbox);
      await kept.look(open, stream);
      if (open !== connection) return;
      ready = { open, stream, lastSeq: stream.lastSeq };
      outbox.wake();
    },
    onError: (error, failures) => log[failures === 1 ? 'warn' : 'debug']({ err: error }, noStream),
    retryMs: limits.readRetryMs,
    everyMs: limits.replayEveryMs,
    signal,
  });

  const drained = drain({ outbox, log, signal }, () => ready, {
    async deliver(to, record, given) {
      const ack = await underWay.hold((gone) => publishOn(to.open, record, { jobs, log, given, gone }));
      return isResult(record) ? kept.acknowledged(record, ack, to) : undefined;
    },
    onFailure: (error, record) => {
      if (error instanceof OutboxError && error.code === 'not_now') storeFull.tell(record.id);
      if (isForgiven(error, record, log)) return;
      // A broker that cannot take results counts as away; nothing is held against the record.
      if (isResult(record) && (isNobodyThere(error) || isFull(error))) {
        log.warn({ err: error }, 'the broker cannot take results now; they wait');
        ready = undefined;
        kept.suspect();
        pauseMs = limits.fullPauseMs;
        look.kick();
      }
      throw error;
    },
  });

  return {
    drained,
    online(open) {
      [connection, ready, pauseMs] = [open, undefined, 0];
      storeFull.forget();
      kept.suspect();
      look.kick();
    },
    away() {
      [connection, ready] = [undefined, undefined];
      underWay.giveUp(new Error('the connection to the broker went'));
    },
  };
}

/** Long output has no room: worth one line, however many results it is about. */
function createNotice(log: Logger) {
  let isSaid = false;
  return {
    tell(id: string): void {
      log[isSaid ? 'debug' : 'warn']({ id }, 'the store of long output is full: results that need it wait');
      isSaid = true;
    },
    forget(): void {
      isSaid = false;
    },
  };
}

/** A connection on which the streams were seen. */
interface Ready {
  readonly open: NatsConnection;
  readonly stream: StreamLook;
  /** The highest sequence that was seen of the stream. */
  lastSeq: number;
}

/** Whether objects go before a record. */
const hasUploads = ({ headers }: QueuedRecord): boolean => headers[uploadsHeader] !== undefined;

const isResult = ({ subject }: Pick<QueuedRecord, 'subject'>): boolean => parseSubject(subject)?.kind === 'result';

const noStream = 'the broker has no stream for results; results wait (kanade fleet setup makes it)';

export function receiptOf({ seq }: Pick<PubAck, 'seq'>, { created, identity }: StreamLook, nowMs: number): string {
  return JSON.stringify({ seq, at_ms: nowMs, created, identity } satisfies Receipt);
}

/** Results that were delivered and may be lost by the broker all the same. */
function createKept({ outbox, log, onRolledBack }: Pick<PublishOptions, 'outbox' | 'log'> & { onRolledBack(): void }) {
  let isSuspect = true;
  let isRolledBack = false;
  const resent = new Set<string>();
  let said = '';
  return {
    /** Something happened after which a stream that several servers hold may have lost its end. */
    suspect(): void {
      isSuspect = true;
    },
    /** Makes ready again what the broker may have lost. */
    async look(open: NatsConnection, stream: StreamLook): Promise<void> {
      const weak = stream.weaknesses.join('; ');
      if (weak !== said) log.info({ weaknesses: stream.weaknesses }, 'the broker could keep results better');
      said = weak;
      const is = { isSuspect: isRolledBack || (isSuspect && stream.isShared) };
      isSuspect = false;
      isRolledBack = false;
      try {
        const ids = await resendLost(outbox, open, { stream, ...is });
        for (const id of ids) resent.add(id);
        if (ids.length > 0) log.info({ count: ids.length }, 'the broker may have lost results: they are sent again');
      } catch (error) {
        isSuspect = true;
        isRolledBack = is.isSuspect;
        throw error;
      }
    },
    /** The receipt of a result that the broker has acknowledged. */
    acknowledged({ id }: QueuedRecord, ack: PubAck, to: Ready): string {
      if (!ack.duplicate && resent.has(id))
        log.warn({ result_id: id }, 'the broker had lost a result; it has it again');
      resent.delete(id);
      if (!ack.duplicate && ack.seq <= to.lastSeq) {
        log.warn({ sequence: ack.seq }, 'the stream of results went back: what it had acknowledged is sent again');
        isRolledBack = true;
        onRolledBack();
      }
      to.lastSeq = Math.max(to.lastSeq, ack.seq);
      return receiptOf(ack, to.stream, Date.now());
    },
  };
}

/** Delivers until the signal fires. */
function drain(
  { outbox, log, signal }: Omit<PublishOptions, 'jobs'>,
  ready: () => Ready | undefined,
  on: {
    /** Resolves with the receipt of what is to be kept. */
    deliver: (to: Ready, record: QueuedRecord, given: DeliverContext) => Promise<string | undefined>;
    /** Throws what failed, or forgives it. */
    onFailure: (error: unknown, record: QueuedRecord) => void;
  },
): Promise<void> {
  return outbox
    .drain({
      signal,
      isOnline: () => ready() !== undefined,
      lowConcurrency: limits.longResultsMax,
      async deliver(record, given) {
        const to = ready();
        if (!to) throw new Error('the broker is away');
        return on.deliver(to, record, given).catch((error: unknown) => on.onFailure(error, record));
      },
    })
    .then(
      () => undefined,
      (error: unknown) => log.fatal({ err: error }, 'results cannot be delivered any more; they are kept on disk'),
    );
}

/** Gives what was set apart a new start: what stood in its way may be gone. What the disk has damaged stays. */
async function replayQuarantine(outbox: Outbox): Promise<void> {
  const apart = await outbox.quarantined();
  const ids = apart.filter(({ reason }) => !reason?.includes('checksum')).map(({ id }) => id);
  if (ids.length > 0) await outbox.replay({ ids });
}

/** Attempts on a connection. No answer comes on it any more when it is gone: whoever waits is told at once. */
function createUnderWay() {
  const waiting = new Set<(reason: Error) => void>();
  let gone = new AbortController();
  return {
    async hold<T>(attempt: (gone: AbortSignal) => Promise<T>): Promise<T> {
      const left = Promise.withResolvers<never>();
      waiting.add(left.reject);
      try {
        return await Promise.race([attempt(gone.signal), left.promise]);
      } finally {
        waiting.delete(left.reject);
      }
    },
    giveUp(reason: Error): void {
      for (const reject of waiting) reject(reason);
      gone.abort(reason);
      gone = new AbortController();
    },
  };
}

interface Publishing extends Pick<PublishOptions, 'jobs' | 'log'> {
  /** The attempt. */
  readonly given: DeliverContext;
  /** Fires when the connection goes. */
  readonly gone: AbortSignal;
}

/** Of the headers of a record only the one that takes a key of a bucket away is for the broker. */
function removalOf({ headers }: QueuedRecord): { headers?: MsgHdrs } {
  const removal = headers?.[removalHeader.name];
  if (removal === undefined) return {};
  const carried = createHeaders();
  carried.set(removalHeader.name, removal);
  return { headers: carried };
}

async function publishOn(connection: NatsConnection, record: QueuedRecord, publishing: Publishing): Promise<PubAck> {
  const { id, subject } = record;
  const js = jetstream(connection, { timeout: limits.requestTimeoutMs });
  const payload = await payloadOf(connection, record, publishing);
  const leftMs = Math.max(1, publishing.given.deadlineMs - Date.now());
  const timeout = Math.min(leftMs, limits.publishTimeoutMs);
  const ack = await js.publish(subject, payload, { msgID: id, timeout, ...removalOf(record) });
  if (hasUploads(record)) await dropFiles(record);
  return ack;
}

/** The body, with what is too long for a message in the object stores. */
async function payloadOf(
  connection: NatsConnection,
  record: QueuedRecord,
  { jobs, log, given, gone }: Publishing,
): Promise<Uint8Array> {
  const { body } = record;
  const isShort = !isResult(record) || body.length <= resultInlineBytesMax;
  if (isShort && !hasUploads(record)) return body;
  const signal = AbortSignal.any([given.signal, gone]);
  if (hasUploads(record)) return withObjects(connection, record, { jobs, log, signal });
  // What is long and has all of its output in it is of an older agent.
  return withoutLongTexts(connection, record, { jobs, log, signal });
}

/** True when nobody takes what was published: the broker has no such stream. */
const isNobodyThere = (error: unknown): boolean => error instanceof Error && error.name === 'JetStreamNotEnabled';

/** True for an event that nobody takes. */
function isForgiven(error: unknown, { id, subject }: QueuedRecord, log: Logger): boolean {
  if (!isEventId(id) || !isNobodyThere(error)) return false;
  log.warn({ subject }, 'the broker has no stream for events: one is not told');
  return true;
}
