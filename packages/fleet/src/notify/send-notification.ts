/** What an operator tells the people at machines: kept by the broker, so that those who are away hear it later. */
import { randomUUID } from 'node:crypto';
import {
  NotificationAmendment as AmendmentShape,
  amendmentSubject,
  createReader,
  type Notification,
  type NotificationAmendment,
  Notification as NotificationShape,
  notificationBytesMax,
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
import { type HeldRead, readHeld } from '../stream/read-held.ts';
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
  /** Show it on the desktops of the people, too. */
  readonly toast?: boolean | undefined;
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
  const nowMs = Date.now();
  const notification = checked({ ...said, id: idOf(nowMs), issued_at: new Date(nowMs).toISOString() });
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
  const sinceMs = toldSinceMs(id);
  let found: Found | undefined;
  try {
    found = sinceMs === undefined ? undefined : await readTold(fleet, id, { from: { sinceMs }, signal });
    // Made by others, or by a clock that is far off.
    if (!found?.notification) found = await readTold(fleet, id, { from: 1, signal });
  } catch (error) {
    throw translate(error, `looking for notification ${id}`, signal);
  }
  const { notification, subjects, isRecalled } = found;
  if (notification && (evenRecalled || !isRecalled)) return { notification, subjects: [...subjects], isRecalled };
  const why = isRecalled ? 'it was recalled' : 'the broker keeps none with this id';
  throw new FleetError('notification_not_found', `${why}: ${id}`);
}

interface Found {
  notification: Notification | undefined;
  readonly subjects: Set<string>;
  isRecalled: boolean;
}

/** What is told of a notification in the stream, from there on. */
async function readTold(fleet: Fleet, id: string, held: Asked & Pick<HeldRead, 'from'>): Promise<Found> {
  const readNotification = createReader(NotificationShape);
  const readAmendment = createReader(AmendmentShape);
  const found: Found = { notification: undefined, subjects: new Set(), isRecalled: false };
  const request = { stream: streams.notifications, filter: streamLimits.NOTIFICATIONS.subjects, ...held };
  for await (const message of readHeld(fleet, request)) {
    const told = readValue(message, readNotification);
    if (told?.id === id) {
      found.notification = told;
      found.subjects.add(message.subject);
    } else if (!told && readValue(message, readAmendment)?.id === id) found.isRecalled = true;
  }
  return found;
}

/** An id that says when it was made (UUID 7): what came before need not be looked at to find it again. */
function idOf(nowMs: number): string {
  const time = nowMs.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
}

/** How far the clock of whoever made an id may be ahead of the broker's, in ms. */
const clockMs = 24 * 3_600_000;

/** From when on an id of ours can have been told, in ms since 1970; undefined for others. */
function toldSinceMs(id: string): number | undefined {
  const [, head, tail] = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/.exec(id) ?? [];
  const atMs = Number.parseInt(`${head}${tail}`, 16);
  return atMs < Date.now() + clockMs ? atMs - clockMs : undefined;
}

function checked(value: Notification): Notification {
  const read = strictNotification(value);
  if (!read.ok) {
    const said = read.faults.map(({ path, message }) => `${path} ${message}`).join('; ');
    throw new FleetError('notification_invalid', said);
  }
  const bytes = Buffer.byteLength(JSON.stringify(read.notification));
  if (bytes <= notificationBytesMax) return read.notification;
  const said = `body makes it ${bytes} bytes long, and machines take ${notificationBytesMax}: say less, or link to the rest`;
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
