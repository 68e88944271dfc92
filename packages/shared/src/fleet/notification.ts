import * as z from 'zod';
import { openEnum, optional } from '../scalar/field.ts';
import { FilledText } from '../scalar/filled-text.ts';
import { Id } from '../scalar/id.ts';
import { type Fault, strictAs } from '../scalar/strict.ts';
import { Instant } from '../scalar/time.ts';

/** Open: a priority that nobody knows reads as `unknown`. */
export const NotificationPriority = openEnum(['info', 'warn', 'emergency']).meta({
  enum: ['info', 'warn', 'emergency', 'unknown'],
});
export type NotificationPriority = z.infer<typeof NotificationPriority>;

/**
 * A message to people, on `notifications.*`. An edit is published again with the same `id` and `issued_at`; one that
 * makes earlier confirmations void sets `acks_reset_at`. `toast` is independent of the priority.
 */
export const Notification = z.looseObject({
  id: z.string(),
  priority: NotificationPriority,
  require_ack: optional(z.boolean()),
  title: z.string(),
  body: z.string(),
  issued_at: Instant,
  issued_by: optional(z.string()),
  expires_at: optional(Instant),
  toast: optional(z.boolean()),
  acks_reset_at: optional(Instant),
});
export type Notification = z.infer<typeof Notification>;

export const notificationDefaults = { require_ack: false, toast: false } satisfies Partial<Notification>;

const NewNotification = Notification.extend({ id: Id, title: FilledText });

/** Parses a notification at a write boundary, with every fault and its path. Never throws. */
export function strictNotification(
  value: unknown,
): { ok: true; notification: Notification } | { ok: false; faults: Fault[] } {
  const read = strictAs(NewNotification, value, notificationFaults);
  return read.ok ? { ok: true, notification: read.value } : { ok: false, faults: [...read.faults] };
}

function notificationFaults({ priority, issued_at, expires_at }: Notification): Fault[] {
  const faults: Fault[] = [];
  if (priority === 'unknown') faults.push({ path: 'priority', message: 'must be one of info, warn, emergency' });
  if (expires_at && Date.parse(expires_at) <= Date.parse(issued_at)) {
    faults.push({ path: 'expires_at', message: `must be after issued_at: ${expires_at}` });
  }
  return faults;
}

/** A change to a notification that is out already, broadcast on `notif-amend`. */
export const NotificationAmendment = z.looseObject({
  id: z.string(),
  op: z.discriminatedUnion('kind', [z.looseObject({ kind: z.literal('recall') })]),
});
export type NotificationAmendment = z.infer<typeof NotificationAmendment>;

/** Somebody confirmed a notification; on `events.notifications.acked.<pc_id>.<sid>.<notification_id>`. */
export const NotificationAcked = z.looseObject({
  notification_id: z.string(),
  pc_id: z.string(),
  user_sid: z.string(),
  acked_at: Instant,
});
export type NotificationAcked = z.infer<typeof NotificationAcked>;

/** Somebody took a confirmation back; the read mark is deleted. */
export const NotificationUnacked = NotificationAcked.omit({ acked_at: true }).extend({ unacked_at: Instant });
export type NotificationUnacked = z.infer<typeof NotificationUnacked>;

/** Why a notification is not on a desktop. Open: a word that nobody knows reads as `unknown`. */
export const ToastFault = openEnum([
  'nobody_there',
  'not_linux',
  'not_root',
  'no_program',
  'no_bus',
  'bus_refused',
  'no_server',
  'no_answer',
  'server_refused',
  'too_many',
]);
export type ToastFault = z.infer<typeof ToastFault>;

/**
 * What became of a notification on the desktop of a person; on `events.notifications.toasted.<pc_id>.<sid>.<notification_id>`, the newest
 * counts. `user_sid` is `nobody` where nobody was there. Without `reason` it was shown; `detail` is what the system said.
 */
export const NotificationToasted = z.looseObject({
  notification_id: z.string(),
  pc_id: z.string(),
  user_sid: z.string(),
  at: Instant,
  reason: optional(ToastFault),
  detail: optional(z.string()),
});
export type NotificationToasted = z.infer<typeof NotificationToasted>;

/** Value in `notifications_read` at `<pc_id>.<sid>.<notification_id>`. */
export const ReadMark = z.looseObject({ acked_at: Instant, acked_by: z.string() });
export type ReadMark = z.infer<typeof ReadMark>;
