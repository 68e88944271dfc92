/* The notifications as they are shown. Server and page fold the same events by the same functions. */
import type { LocalNotification } from '@kanade/shared/local';

/** What an event of the page means to the notifications. */
export type NoticeEvent =
  | { readonly type: 'notice'; readonly notice: LocalNotification }
  | { readonly type: 'recalled'; readonly id: string }
  /** The person has confirmed it, or taken that back. */
  | { readonly type: 'acked'; readonly id: string; readonly acked_at?: string };

/** Notifications kept and shown; the oldest makes room. */
export const noticeCountMax = 500;

/** The notifications after one event, newest first. */
export function foldNotices(notices: readonly LocalNotification[], event: NoticeEvent): readonly LocalNotification[] {
  switch (event.type) {
    case 'notice':
      return foldNotice(notices, event.notice);
    case 'recalled':
      return notices.filter(({ id }) => id !== event.id);
    case 'acked':
      return notices.map((notice) => (notice.id === event.id ? withAck(notice, event.acked_at) : notice));
  }
}

/** A full list of the agent, in the order of the page. */
export function inNoticeOrder(notices: readonly LocalNotification[]): readonly LocalNotification[] {
  return [...notices].sort((a, b) => Date.parse(b.issued_at) - Date.parse(a.issued_at)).slice(0, noticeCountMax);
}

/** An edit comes with the same id and keeps the confirmation, unless it says that earlier ones are void. */
function foldNotice(notices: readonly LocalNotification[], notice: LocalNotification): readonly LocalNotification[] {
  const before = notices.find(({ id }) => id === notice.id);
  const acked = notice.acked_at ?? before?.acked_at;
  const others = notices.filter(({ id }) => id !== notice.id);
  return inNoticeOrder([withAck(notice, isVoid(acked, notice.acks_reset_at) ? undefined : acked), ...others]);
}

function isVoid(acked_at: string | undefined, resetAt: string | undefined): boolean {
  return acked_at !== undefined && resetAt !== undefined && Date.parse(resetAt) > Date.parse(acked_at);
}

function withAck({ acked_at: _, ...notice }: LocalNotification, acked_at: string | undefined): LocalNotification {
  return (acked_at === undefined ? notice : { ...notice, acked_at }) as LocalNotification;
}

/** What has not expired at `nowMs`. */
export function currentNotices(notices: readonly LocalNotification[], nowMs: number): readonly LocalNotification[] {
  return notices.filter(({ expires_at }) => expires_at === undefined || Date.parse(expires_at) > nowMs);
}

/** When they expire, ms since 1970, those that do. */
export function expiriesOf(notices: readonly LocalNotification[]): readonly number[] {
  return notices.flatMap(({ expires_at }) => (expires_at === undefined ? [] : [Date.parse(expires_at)]));
}
