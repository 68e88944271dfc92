import * as z from 'zod';
import { Notification } from '../fleet/notification.ts';
import { optional } from '../scalar/field.ts';
import { Instant } from '../scalar/time.ts';

/** A notification as the person at the machine sees it; `acked_at` stands in lists only. */
export const LocalNotification = Notification.extend({ acked_at: optional(Instant) });
export type LocalNotification = z.infer<typeof LocalNotification>;

/** Which notifications a list shows. */
export const NotificationFilter = z.enum(['unread', 'all']);
export type NotificationFilter = z.infer<typeof NotificationFilter>;
