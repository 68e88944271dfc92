import { bucketStream, buckets, createReader, entrySubject, ReadMark } from '@kanade/shared/fleet';
import { removalHeader } from '@kanade/shared/fleet-words';
import type { Fleet } from '../connection/connect-fleet.ts';
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

/** A notification, and who has confirmed it. Throws FleetError `notification_not_found`. */
export async function notificationStatus(
  fleet: Fleet,
  id: string,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<FoundNotification & { readonly readBy: readonly ReadBy[] }> {
  const found = await findNotification(fleet, id, { signal, evenRecalled: true });
  const { acks_reset_at: resetAt } = found.notification;
  const readMark = createReader(ReadMark);
  const prefix = entrySubject(buckets.notificationsRead, '');
  const readBy = new Map<string, ReadBy>();
  try {
    const held = { stream: bucketStream(buckets.notificationsRead), filter: `${prefix}>`, from: 1, signal };
    for await (const message of readHeld(fleet, held)) {
      const key = message.subject.slice(prefix.length);
      if (!key.endsWith(`.${id}`)) continue;
      const who = key.slice(0, -id.length - 1);
      const at = who.lastIndexOf('.');
      const mark = message.headers?.has(removalHeader.name) ? undefined : readValue(message, readMark);
      if (!mark || at < 1) readBy.delete(who);
      else {
        const isOld = resetAt !== undefined && Date.parse(resetAt) > Date.parse(mark.acked_at);
        const { acked_at, acked_by } = mark;
        const person = { pc_id: who.slice(0, at), user_sid: who.slice(at + 1), acked_at, acked_by };
        readBy.set(who, isOld ? { ...person, outdated: true } : person);
      }
    }
  } catch (error) {
    if (!isMissingStream(error)) throw translate(error, `looking who has read ${id}`, signal);
  }
  return { ...found, readBy: [...readBy.values()] };
}
