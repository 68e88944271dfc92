/** What the fleet told the people at this machine, and who of them has confirmed it: on disk, so that it can be read without a broker. */
import { randomUUID } from 'node:crypto';
import type { Durable, Row, Sql, Transaction } from '@kanade/durable';
import type { Outbox } from '@kanade/outbox';
import {
  buckets,
  entrySubject,
  isToken,
  Notification,
  NotificationAmendment,
  notificationBytesMax,
  readMarkKey,
  removalHeader,
  subjectOf,
} from '@kanade/shared/fleet';
import type { LocalNotification } from '@kanade/shared/local';
import { limits } from '../limits.ts';

export type NoticeChange =
  | { readonly kind: 'new'; readonly notification: Notification }
  | { readonly kind: 'amended'; readonly amendment: NotificationAmendment }
  /** Somebody here has confirmed it, or taken that back. */
  | { readonly kind: 'marked'; readonly id: string };

/** Somebody has confirmed it. */
export interface NoticeMark {
  readonly userKey: string;
  readonly id: string;
  /** RFC 3339. */
  readonly ackedAt: string;
}

/** A person at this machine. */
export interface NoticeReader {
  readonly userKey: string;
  readonly name: string;
}

export interface Notices {
  /**
   * Takes what the fleet says, the oldest first: notifications, and that one of them is recalled. What is neither is left out, and what is
   * about an id of which `newer` is known. Returns the ids of which it heard. `marks`: who had confirmed them, as far as the broker knows,
   * taken in the same commit; what is known here counts more.
   */
  take(bodies: readonly Uint8Array[], newer?: ReadonlySet<string>, marks?: readonly NoticeMark[]): string[];
  /** What is meant for this machine, not recalled and not over, the newest first; `acked_at` where this user has confirmed it as it is now. */
  list(userKey: string, nowMs: number): LocalNotification[];
  /** Confirms for one user, and tells the fleet when there is a broker. Undefined when nothing like that was told here. */
  ack(reader: NoticeReader, id: string, nowMs: number): string | undefined;
  unack(reader: NoticeReader, id: string, nowMs: number): string | undefined;
  /** Calls back on every change until the returned function is called. */
  watch(listener: (change: NoticeChange) => void): () => void;
}

export interface NoticesOptions {
  readonly pcId: string;
  readonly file: Durable;
  readonly outbox: Pick<Outbox, 'enqueueIn'>;
}

export function openNotices({ pcId, file, outbox }: NoticesOptions): Notices {
  const listeners = new Set<(change: NoticeChange) => void>();
  const tell = (changes: readonly NoticeChange[]): void => {
    for (const change of changes) for (const listener of [...listeners]) listener(change);
  };
  function mark(reader: NoticeReader, id: string, change: Marking): string | undefined {
    const { at, isAcked } = change;
    const isKnown = file.transact((tx) => {
      if (!tx.sql('SELECT 1 FROM notice WHERE id = ? AND value IS NOT NULL').get(id)) return false;
      if (isAcked) tx.sql('INSERT OR REPLACE INTO notice_mark VALUES (?, ?, ?)').run(reader.userKey, id, at);
      else tx.sql('DELETE FROM notice_mark WHERE user_key = ? AND id = ?').run(reader.userKey, id);
      for (const record of recordsOf(pcId, reader, { ...change, id })) outbox.enqueueIn(tx as Transaction, record);
      return true;
    });
    if (!isKnown) return undefined;
    tell([{ kind: 'marked', id }]);
    return at;
  }
  return {
    take(bodies, newer = nothing, marks = []) {
      const changes = bodies.map(readNotice).filter((change) => change !== undefined);
      // Of several versions the last one counts: the others are no news.
      const heard = new Map(changes.map((change) => [idOf(change), change]));
      const last = [...heard].filter(([id]) => !newer.has(id)).map(([, change]) => change);
      const addsBytes = bodies.reduce((sum, { length }) => sum + length + rowBytes, marks.length * rowBytes);
      const told = file.transact(
        (tx) => {
          const kept = last.filter((change) => keep(tx.sql, change));
          if (kept.length > 0) forgetOldest(tx.sql);
          for (const mark of marks) restore(tx.sql, mark);
          return kept;
        },
        { addsBytes },
      );
      tell(told);
      return [...heard.keys()];
    },
    list: (userKey, nowMs) => file.look((sql) => listFor(sql, userKey, nowMs)),
    ack: (reader, id, nowMs) => mark(reader, id, { isAcked: true, at: new Date(nowMs).toISOString() }),
    unack: (reader, id, nowMs) => mark(reader, id, { isAcked: false, at: new Date(nowMs).toISOString() }),
    watch(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

const nothing: ReadonlySet<string> = new Set();

/** What a row takes besides its text, in bytes, generously. */
const rowBytes = 1024;

const idOf = (change: Told): string => (change.kind === 'new' ? change.notification.id : change.amendment.id);

type Told = Exclude<NoticeChange, { kind: 'marked' }>;

function readNotice(body: Uint8Array): Told | undefined {
  if (body.length > notificationBytesMax) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    return undefined;
  }
  const amendment = NotificationAmendment.safeParse(value).data;
  if (amendment) return { kind: 'amended', amendment };
  const notification = Notification.safeParse(value).data;
  // What cannot become part of a key could not be confirmed.
  return notification && isToken(notification.id) ? { kind: 'new', notification } : undefined;
}

/** @returns false when that was known. What is recalled stays so, whatever comes late. */
function keep(sql: Sql, change: Told): boolean {
  const before = sql('SELECT value FROM notice WHERE id = ?').get(idOf(change));
  if (before?.value === null) return false;
  if (change.kind === 'amended') {
    sql('INSERT OR REPLACE INTO notice (id, value, issued_at_ms) VALUES (?, NULL, ?)').run(idOf(change), Date.now());
    return true;
  }
  const { notification } = change;
  const value = JSON.stringify(notification);
  if (before?.value === value) return false;
  sql('INSERT OR REPLACE INTO notice (id, value, issued_at_ms) VALUES (?, ?, ?)').run(
    notification.id,
    value,
    Math.round(Date.parse(notification.issued_at)),
  );
  sql("UPDATE notice_toast SET outcome = 'changed' WHERE id = ? AND outcome = 'shown'").run(notification.id);
  return true;
}

/** More than are kept go, the oldest first, and whatever is about them. */
function forgetOldest(sql: Sql): void {
  sql('DELETE FROM notice WHERE id NOT IN (SELECT id FROM notice ORDER BY issued_at_ms DESC LIMIT ?)').run(
    limits.noticesMax,
  );
  for (const table of ['notice_mark', 'notice_toast'])
    sql(`DELETE FROM ${table} WHERE id NOT IN (SELECT id FROM notice)`).run();
}

/** A mark of a notice that this machine has, unless something is known here of that person and notice. */
const restore = (sql: Sql, { userKey, id, ackedAt }: NoticeMark): void =>
  void sql('INSERT OR IGNORE INTO notice_mark SELECT ?, id, ? FROM notice WHERE id = ?').run(userKey, ackedAt, id);

function listFor(sql: Sql, userKey: string, nowMs: number): LocalNotification[] {
  return sql(
    `SELECT notice.value, notice_mark.acked_at FROM notice
     LEFT JOIN notice_mark ON notice_mark.id = notice.id AND notice_mark.user_key = ?
     WHERE notice.value IS NOT NULL ORDER BY issued_at_ms DESC, notice.id`,
  )
    .all(userKey)
    .map(noticeOf)
    .filter((notice) => notice !== undefined)
    .filter(({ expires_at }) => expires_at === undefined || Date.parse(expires_at) > nowMs);
}

/** Rows are not trusted: versions change, and disks do, too. */
function noticeOf({ value, acked_at }: Row): LocalNotification | undefined {
  try {
    const notification = Notification.parse(JSON.parse(String(value)));
    const resetAt = notification.acks_reset_at;
    if (acked_at === null || (resetAt !== undefined && Date.parse(resetAt) > Date.parse(String(acked_at))))
      return notification;
    return { ...notification, acked_at: String(acked_at) };
  } catch {
    return undefined;
  }
}

interface Marking {
  readonly isAcked: boolean;
  /** RFC 3339. */
  readonly at: string;
}

/** What the fleet is told: an event, and the mark. In this order for one notification and user, however long there is no broker. */
function recordsOf(
  pcId: string,
  { userKey, name }: NoticeReader,
  { id, isAcked, at }: Marking & { readonly id: string },
) {
  const about = { notification_id: id, pc_id: pcId, user_sid: userKey };
  const event = isAcked ? { ...about, acked_at: at } : { ...about, unacked_at: at };
  const kind = isAcked ? 'notification_acked' : 'notification_unacked';
  const key = readMarkKey(pcId, userKey, id);
  const value = isAcked ? JSON.stringify({ acked_at: at, acked_by: name }) : '';
  return [
    {
      id: `ack.${randomUUID()}`,
      subject: subjectOf({ kind, pcId, sid: userKey, notificationId: id }),
      body: Buffer.from(JSON.stringify(event)),
      orderKey: key,
    },
    {
      id: `mark.${randomUUID()}`,
      subject: entrySubject(buckets.notificationsRead, key),
      body: Buffer.from(value),
      orderKey: key,
      ...(isAcked ? {} : { headers: { [removalHeader.name]: removalHeader.values[0] } }),
    },
  ];
}
