/** What the fleet tells people: live subscriptions, and a read of what was missed after each connect. No standing consumer. */
import { isMissingStream } from '@kanade/fleet/connection';
import { ReadMark } from '@kanade/shared/fleet';
import {
  amendmentSubject,
  bucketStream,
  buckets,
  entrySubject,
  notificationBytesMax,
  notificationFilters,
  removalHeader,
  streams,
} from '@kanade/shared/fleet-words';
import type { JsMsg } from '@nats-io/jetstream';
import type { NatsConnection, Subscription } from '@nats-io/transport-node';
import type { Logger } from '../config/logger.ts';
import { limits } from '../limits.ts';
import type { FleetCache } from '../store/fleet-cache.ts';
import type { NoticeMark, Notices } from '../store/notices.ts';
import { isForbidden } from './bucket-copy.ts';
import { lookAtStream, readStream } from './connect.ts';
import { createRepeated } from './repeat.ts';

export interface NoticeFeed {
  open(connection: NatsConnection): void;
  online(): void;
  away(): void;
  groupsChanged(): void;
}

export interface NoticeFeedOptions {
  readonly pcId: string;
  readonly cache: Pick<FleetCache, 'groups' | 'cursor' | 'setCursor'>;
  readonly notices: Pick<Notices, 'take'>;
  readonly connection: () => NatsConnection | undefined;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

export function createNoticeFeed(options: NoticeFeedOptions): NoticeFeed {
  const { pcId, cache, notices, connection, log, signal } = options;
  let opened: NatsConnection | undefined;
  const subscriptions = new Map<string, Subscription>();
  /** Ids that were heard of live on this connection: whatever is read about them is older, or comes live, too. */
  const live = new Set<string>();
  const filters = (): string[] => notificationFilters(pcId, cache.groups());

  function take(body: Uint8Array): void {
    if (isTooLong(body, log)) return;
    try {
      for (const id of notices.take([body])) live.add(id);
      for (const id of live) if (live.size > limits.noticesMax) live.delete(id);
    } catch (error) {
      log.error({ err: error }, 'a notification could not be put on disk; it is read again after the next connect');
    }
  }
  function align(): void {
    const wanted = [amendmentSubject, ...filters()];
    for (const [filter, subscription] of subscriptions) {
      if (wanted.includes(filter)) continue;
      subscription.unsubscribe();
      subscriptions.delete(filter);
    }
    for (const filter of wanted) {
      if (subscriptions.has(filter) || !opened) continue;
      const followed = opened.subscribe(filter, {
        callback: (error, message) =>
          error ? log.warn({ err: error, filter }, 'notifications cannot be followed') : take(message.data),
      });
      subscriptions.set(filter, followed);
    }
  }
  const missed = createRepeated({
    run: async () => {
      const open = connection();
      if (!open) return;
      const marks = await readMarks(options, open);
      for (const filter of filters()) await readMissed(options, open, { filter, live, marks: marks.found });
      marks.done();
    },
    onError: (error, failures) =>
      log[failures === 1 ? 'warn' : 'debug']({ err: error }, 'missed notifications could not be read; trying again'),
    retryMs: limits.readRetryMs,
    signal,
  });
  return {
    open(next) {
      opened = next;
      subscriptions.clear();
      align();
    },
    online: missed.kick,
    away: () => live.clear(),
    groupsChanged() {
      align();
      missed.kick();
    },
  };
}

function isTooLong({ length }: Uint8Array, log: Logger): boolean {
  if (length <= notificationBytesMax) return false;
  log.warn({ bytes: length, maximum: notificationBytesMax }, 'a notification is too long and is left out');
  return true;
}

/** A broker that has no such stream, or keeps it from us, tells nobody anything. */
async function readMissed(
  { cache, notices, signal, log }: NoticeFeedOptions,
  open: NatsConnection,
  { filter, live, marks }: { filter: string; live: ReadonlySet<string>; marks: readonly NoticeMark[] },
): Promise<void> {
  try {
    const { identity, lastSeq } = await lookAtStream(open, streams.notifications);
    const cursor = cache.cursor(filter, identity) ?? 0;
    const from = cursor > lastSeq ? 1 : cursor + 1;
    if (from > lastSeq) return;
    const bodies: Uint8Array[] = [];
    await readStream(open, { stream: streams.notifications, filter, from, signal }, ({ data }) => {
      if (!isTooLong(data, log)) bodies.push(data.slice());
      if (bodies.length > limits.noticesMax) bodies.shift();
    });
    notices.take(bodies, live, marks);
    cache.setCursor(filter, identity, lastSeq);
  } catch (error) {
    if (!isMissingStream(error) && !isForbidden(error)) throw error;
    log.debug({ err: error, filter }, 'the broker keeps no notifications for this machine');
  }
}

/**
 * Who had confirmed what, as the broker keeps it: read once by an agent whose file is new, or has lost that. Later ones are made here, or
 * nowhere. `done`: they are on disk.
 */
async function readMarks(
  { pcId, cache, signal, log }: NoticeFeedOptions,
  open: NatsConnection,
): Promise<{ readonly found: readonly NoticeMark[]; done(): void }> {
  const stream = bucketStream(buckets.notificationsRead);
  const filter = entrySubject(buckets.notificationsRead, `${pcId}.>`);
  const prefix = filter.slice(0, -1);
  const marks = new Map<string, NoticeMark>();
  try {
    const { identity, lastSeq } = await lookAtStream(open, stream);
    if (cache.cursor(filter, identity) !== undefined) return { found: [], done: () => undefined };
    await readStream(open, { stream, filter, from: 1, signal }, (message) => {
      const key = message.subject.slice(prefix.length);
      const [userKey = '', ...id] = key.split('.');
      const ackedAt = ackedIn(message);
      marks.delete(key);
      if (ackedAt !== undefined) marks.set(key, { userKey, id: id.join('.'), ackedAt });
      const oldest = marks.size > limits.marksMax ? marks.keys().next().value : undefined;
      if (oldest !== undefined) marks.delete(oldest);
    });
    return { found: [...marks.values()], done: () => cache.setCursor(filter, identity, lastSeq) };
  } catch (error) {
    if (!isMissingStream(error) && !isForbidden(error)) throw error;
    log.debug({ err: error, filter }, 'the broker keeps no read marks for this machine');
    return { found: [], done: () => undefined };
  }
}

/** When it was confirmed; undefined when that was taken back, or the entry is no read mark. */
function ackedIn(message: JsMsg): string | undefined {
  if (message.headers?.has(removalHeader.name)) return undefined;
  try {
    return ReadMark.safeParse(message.json()).data?.acked_at;
  } catch {
    return undefined; // no JSON
  }
}
