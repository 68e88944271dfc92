import {
  bucketStream,
  buckets,
  createReader,
  entrySubject,
  filtersOfNotification,
  NotificationToasted,
  nobodyKey,
  ReadMark,
  readerIn,
  streams,
  type ToastFault,
  toastedPrefix,
} from '@kanade/shared/fleet';
import { removalHeader } from '@kanade/shared/fleet-words';
import type { JsMsg } from '@nats-io/jetstream';
import type { Fleet } from '../connection/connect-fleet.ts';
import { FleetError } from '../fault/fleet-error.ts';
import { isMissingStream, translate } from '../fault/translate.ts';
import { readHeld } from '../stream/read-held.ts';
import { readValue } from '../stream/read-value.ts';
import { type FoundNotification, findNotification } from './send-notification.ts';

/** Somebody has confirmed it; `user` as the machine knows the person. */
export interface ReadBy {
  readonly pc_id: string;
  readonly user_sid: string;
  readonly acked_at: string;
  readonly acked_by: string;
  /** It was changed since, and this person is asked again. */
  readonly outdated?: true;
}

/** What became of it on one desktop. */
export interface ToastedAt {
  readonly pc_id: string;
  /** Absent where nobody was there. */
  readonly user_sid?: string;
  readonly shown: boolean;
  readonly reason?: ToastFault;
  readonly detail?: string;
  readonly at: string;
}

export interface NotificationStatus extends FoundNotification {
  readonly readBy: readonly ReadBy[];
  /** Undefined for one that asks for no toast, and where the broker lets nobody look. */
  readonly toasts: readonly ToastedAt[] | undefined;
}

interface Asked {
  readonly signal?: AbortSignal | undefined;
}

/**
 * A notification, who has confirmed it, and on whose desktops it was. Reads what is about this notification, however much there is about
 * others. Throws FleetError `notification_not_found`.
 */
export async function notificationStatus(
  fleet: Fleet,
  id: string,
  { signal }: Asked = {},
): Promise<NotificationStatus> {
  const found = await findNotification(fleet, id, { signal, evenRecalled: true });
  const [readBy, toasts] = await Promise.all([
    readersOf(fleet, found, { signal }),
    found.notification.toast ? toastsOf(fleet, id, { signal }) : undefined,
  ]);
  return { ...found, readBy, toasts };
}

async function readersOf(
  fleet: Fleet,
  { notification }: FoundNotification,
  { signal }: Asked,
): Promise<readonly ReadBy[]> {
  const { id, acks_reset_at: resetAt } = notification;
  const readMark = createReader(ReadMark);
  const readBy = new Map<string, ReadBy>();
  const about = {
    stream: bucketStream(buckets.notificationsRead),
    prefix: entrySubject(buckets.notificationsRead, ''),
  };
  await readAbout(fleet, { ...about, id, signal }, ({ pcId, sid }, message) => {
    const mark = message.headers?.has(removalHeader.name) ? undefined : readValue(message, readMark);
    const key = `${pcId} ${sid}`;
    if (!mark) return void readBy.delete(key);
    const isOld = resetAt !== undefined && Date.parse(resetAt) > Date.parse(mark.acked_at);
    const { acked_at, acked_by } = mark;
    const person = { pc_id: pcId, user_sid: sid, acked_at, acked_by };
    readBy.set(key, isOld ? { ...person, outdated: true } : person);
  });
  return [...readBy.values()];
}

async function toastsOf(fleet: Fleet, id: string, { signal }: Asked): Promise<readonly ToastedAt[] | undefined> {
  const read = createReader(NotificationToasted);
  const toasts = new Map<string, ToastedAt>();
  const about = { stream: streams.events, prefix: `${toastedPrefix}.` };
  try {
    await readAbout(fleet, { ...about, id, signal }, ({ pcId, sid }, message) => {
      const told = readValue(message, read);
      if (!told) return;
      const { reason, detail, at } = told;
      const who = sid === nobodyKey ? {} : { user_sid: sid };
      const why = reason === undefined ? {} : { reason, ...(detail === undefined ? {} : { detail }) };
      toasts.set(`${pcId} ${sid}`, { pc_id: pcId, ...who, shown: reason === undefined, ...why, at });
    });
  } catch (error) {
    if (error instanceof FleetError && error.code === 'broker_refused') return undefined;
    throw error;
  }
  // Where somebody came since, that nobody was there is no news.
  const all = [...toasts.values()];
  const peopled = new Set(all.filter(({ user_sid }) => user_sid !== undefined).map(({ pc_id }) => pc_id));
  return all.filter(({ user_sid, pc_id }) => user_sid !== undefined || !peopled.has(pc_id));
}

interface About extends Asked {
  readonly stream: string;
  /** What stands before `<pc_id>.<sid>.<notification_id>`, with its dot. */
  readonly prefix: string;
  readonly id: string;
}

/** The newest of what machines and their people say of one notification. A stream that is not there holds nothing. */
async function readAbout(
  fleet: Fleet,
  { stream, prefix, id, signal }: About,
  onMessage: (who: { pcId: string; sid: string }, message: JsMsg) => void,
): Promise<void> {
  const readOne = async (filter: string): Promise<void> => {
    for await (const message of readHeld(fleet, { stream, filter, from: 'newest', signal })) {
      const who = readerIn(message.subject.slice(prefix.length), id);
      if (who) onMessage(who, message);
    }
  };
  try {
    await Promise.all(filtersOfNotification(prefix.slice(0, -1), id).map(readOne));
  } catch (error) {
    if (!isMissingStream(error)) throw translate(error, `looking what became of ${id}`, signal);
  }
}
