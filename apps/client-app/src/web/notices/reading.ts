/*
 * Which notifications are open, and what opening one means. States: closed, or open in the form that the reader saw. An edit that makes
 * confirmations void closes it: what is confirmed is what was opened.
 */
import type { LocalNotification } from '@kanade/shared/local';

/** Ids of what is open → the form that was opened. */
export type Reading = Readonly<Record<string, string>>;

export type ReadingEvent =
  | { readonly type: 'toggle'; readonly notice: LocalNotification }
  /** A link from outside led here; it opens, and it never closes. */
  | { readonly type: 'linked'; readonly notice: LocalNotification };

export type ReadingEffect = { readonly kind: 'acknowledge'; readonly id: string };

export function stepReading(
  reading: Reading,
  { type, notice }: ReadingEvent,
): readonly [Reading, readonly ReadingEffect[]] {
  if (isOpen(reading, notice)) {
    if (type === 'linked') return [reading, []];
    const { [notice.id]: _, ...others } = reading;
    return [others, []];
  }
  const isRead = notice.acked_at !== undefined || notice.require_ack === true;
  return [{ ...reading, [notice.id]: formOf(notice) }, isRead ? [] : [{ kind: 'acknowledge', id: notice.id }]];
}

export function isOpen(reading: Reading, notice: LocalNotification): boolean {
  return Object.hasOwn(reading, notice.id) && reading[notice.id] === formOf(notice);
}

export const isUnread = ({ acked_at }: LocalNotification): boolean => acked_at === undefined;

const formOf = ({ acks_reset_at }: LocalNotification): string => acks_reset_at ?? '';
