/** What an operator tells the people at machines: kept by the broker, so that those who are away hear it later. */
import { randomUUID } from 'node:crypto';
import {
  NotificationAmendment as AmendmentShape,
  amendmentSubject,
  createReader,
  type Notification,
  type NotificationAmendment,
  Notification as NotificationShape,
  notificationSubject,
  streamLimits,
  streams,
  strictNotification,
  type Target,
} from '@kanade/shared/fleet';
import { checkId } from '../catalogue/bucket.ts';
import { type Fleet, requestTimeoutMsDefault } from '../connection/connect-fleet.ts';
import { abortable } from '../fault/abortable.ts';
import { FleetError } from '../fault/fleet-error.ts';
import { translate } from '../fault/translate.ts';
import { readHeld } from '../stream/read-held.ts';
import { readValue } from '../stream/read-value.ts';

/** What is told; times in RFC 3339. */
export interface NewNotification {
  readonly title: string;
  /** Markdown. */
  readonly body: string;
  readonly priority: 'info' | 'warn' | 'emergency';
  readonly expires_at?: string | undefined;
  readonly issued_by?: string | undefined;
  readonly require_ack?: boolean | undefined;
}

interface Asked {
  readonly signal?: AbortSignal | undefined;
}

/** Tells it to targets. Throws FleetError `notification_invalid`. */
export async function sendNotification(
  fleet: Fleet,
  said: NewNotification,
  { targets, signal }: Asked & { targets: readonly Target[] },
): Promise<Notification> {
  const notification = checked({ ...said, id: randomUUID(), issued_at: new Date().toISOString() });
  await publish(fleet, targets.map(notificationSubject), { body: notification, signal });
  return notification;
}

/** Changes what was told; `acksReset`: those who have confirmed it are asked again. Throws FleetError `notification_not_found`. */
export async function editNotification(
  fleet: Fleet,
  id: string,
  { change, acksReset, signal }: Asked & { change: Partial<NewNotification>; acksReset: boolean },
): Promise<Notification> {
  const { subjects, notification } = await findNotification(fleet, id, { signal });
  const reset = acksReset ? { acks_reset_at: new Date().toISOString() } : {};
  const next = checked({ ...notification, ...change, ...reset });
  await publish(fleet, subjects, { body: next, signal });
  return next;
}

/** Takes back what was told: machines that are on drop it, the others when they are again. Throws FleetError `notification_not_found`. */
export async function recallNotification(fleet: Fleet, id: string, { signal }: Asked = {}): Promise<void> {
  const { subjects } = await findNotification(fleet, id, { signal });
  const body: NotificationAmendment = { id, op: { kind: 'recall' } };
  await publish(fleet, subjects, { body, signal });
  fleet.connection.publish(amendmentSubject, JSON.stringify(body)); // for agents that look for it there
  await abortable(fleet.connection.flush(), signal);
}

export interface FoundNotification {
  readonly notification: Notification;
  /** Where it was told, each once. */
  readonly subjects: readonly string[];
  readonly isRecalled: boolean;
}

/** A notification as it was told last. Throws FleetError `notification_not_found`. */
export async function findNotification(
  fleet: Fleet,
  id: string,
  { signal, evenRecalled = false }: Asked & { evenRecalled?: boolean } = {},
): Promise<FoundNotification> {
  checkId('a notification id', id);
  const readNotification = createReader(NotificationShape);
  const readAmendment = createReader(AmendmentShape);
  const subjects = new Set<string>();
  let notification: Notification | undefined;
  let isRecalled = false;
  try {
    const held = { stream: streams.notifications, filter: streamLimits.NOTIFICATIONS.subjects, from: 1, signal };
    for await (const message of readHeld(fleet, held)) {
      const told = readValue(message, readNotification);
      if (told?.id === id) {
        notification = told;
        subjects.add(message.subject);
      } else if (!told && readValue(message, readAmendment)?.id === id) isRecalled = true;
    }
  } catch (error) {
    throw translate(error, `looking for notification ${id}`, signal);
  }
  if (notification && (evenRecalled || !isRecalled)) return { notification, subjects: [...subjects], isRecalled };
  const why = isRecalled ? 'it was recalled' : 'the broker keeps none with this id';
  throw new FleetError('notification_not_found', `${why}: ${id}`);
}

function checked(value: Notification): Notification {
  const read = strictNotification(value);
  if (read.ok) return read.notification;
  const said = read.faults.map(({ path, message }) => `${path} ${message}`).join('; ');
  throw new FleetError('notification_invalid', said);
}

async function publish(
  { jetstream }: Fleet,
  subjects: readonly string[],
  { body, signal }: Asked & { body: object },
): Promise<void> {
  try {
    for (const subject of subjects) {
      const sent = jetstream.publish(subject, JSON.stringify(body), { timeout: requestTimeoutMsDefault });
      await abortable(sent, signal);
    }
  } catch (error) {
    throw translate(error, 'telling people', signal);
  }
}
