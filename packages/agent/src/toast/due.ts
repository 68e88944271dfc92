/** Which toasts are due for one person. Pure. */
import type { LocalNotification } from '@kanade/shared/local';
import { limits } from '../limits.ts';
import type { Toast } from '../store/toasts.ts';

export interface DueFacts {
  /** What this person sees and has not confirmed. */
  readonly unread: readonly LocalNotification[];
  /** What became of their toasts so far, by notification. */
  readonly toasts: ReadonlyMap<string, Toast>;
  readonly nowMs: number;
}

export interface DueToasts {
  /** To be shown, the oldest first, in the place of an earlier version where there is one. */
  readonly show: readonly LocalNotification[];
  /** More than a screen takes at once: they are not shown, and that is said. */
  readonly tooMany: readonly LocalNotification[];
  /** Ids of those that are on the screen, and nobody needs them there any more. */
  readonly close: readonly string[];
}

export function dueFor({ unread, toasts, nowMs }: DueFacts): DueToasts {
  const open = unread.filter((notice) => isToasted(notice, nowMs));
  const stands = new Set(unread.map(({ id }) => id));
  // Each is shown once; what was said about one that was left out stays said.
  const wanted = open
    .filter(({ id }) => !isSettled(toasts.get(id)))
    .toSorted((a, b) => Date.parse(b.issued_at) - Date.parse(a.issued_at));
  return {
    show: wanted.slice(0, limits.toastsAtOnceMax).toReversed(),
    tooMany: wanted.slice(limits.toastsAtOnceMax),
    close: [...toasts].filter(([id, { place }]) => place !== undefined && !stands.has(id)).map(([id]) => id),
  };
}

/** Whether a notification asks for a toast still: people who come later than that find it on the page. */
export const isToasted = ({ toast, issued_at }: LocalNotification, nowMs: number): boolean =>
  toast === true && nowMs - Date.parse(issued_at) < limits.toastWithinMs;

const isSettled = (toast: Toast | undefined): boolean => toast?.outcome === 'shown' || toast?.outcome === 'too_many';
