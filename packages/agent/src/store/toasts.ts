/** What became of notices on the desktops of people: on disk, so that a new start of the agent shows nothing twice. */
import { randomUUID } from 'node:crypto';
import type { Durable, Row } from '@kanade/durable';
import type { Outbox } from '@kanade/outbox';
import { type NotificationToasted, subjectOf, type ToastFault } from '@kanade/shared/fleet';

/** Where a toast is on a desktop: the bus, the server on it, and its own number. */
export interface ToastPlace {
  readonly bus: string;
  readonly owner: string;
  readonly toast: number;
}

export interface Toast {
  /** `changed`: it was shown, and the notice says something else since. */
  readonly outcome: 'shown' | 'changed' | ToastFault;
  /** Absent when it is on no screen. */
  readonly place?: ToastPlace;
}

export interface Toasts {
  /** By notice, for one user. */
  of(userKey: string): ReadonlyMap<string, Toast>;
  /**
   * Keeps what became of a toast, and tells the fleet when that is news; `detail` is what the system said. Returns whether it is. A notice
   * that is gone is left out. Throws what the file and the outbox throw; it is in mind all the same, until the agent ends.
   */
  note(about: { readonly userKey: string; readonly id: string }, toast: Toast, detail?: string): boolean;
  /** It is on no screen any more. */
  closed(userKey: string, id: string): void;
}

export interface ToastsOptions {
  readonly pcId: string;
  readonly file: Durable;
  readonly outbox: Pick<Outbox, 'enqueueIn'>;
}

export function openToasts({ pcId, file, outbox }: ToastsOptions): Toasts {
  /** What could not be written, by user and notice: a disk that is full shows nothing twice. */
  const unwritten = new Map<string, { readonly userKey: string; readonly id: string; readonly toast: Toast }>();
  return {
    of(userKey) {
      const rows = file.look((sql) =>
        sql('SELECT id, outcome, place FROM notice_toast WHERE user_key = ?').all(userKey),
      );
      const own = [...unwritten.values()].filter((one) => one.userKey === userKey);
      return new Map([
        ...rows.map((row) => [String(row.id), toastOf(row)] as const),
        ...own.map(({ id, toast }) => [id, toast] as const),
      ]);
    },
    note({ userKey, id }, toast, detail) {
      const { outcome, place } = toast;
      const key = `${userKey}.${id}`;
      unwritten.set(key, { userKey, id, toast });
      const isNews = file.transact((tx) => {
        if (!tx.sql('SELECT 1 FROM notice WHERE id = ?').get(id)) return false;
        const before = tx.sql('SELECT outcome FROM notice_toast WHERE user_key = ? AND id = ?').get(userKey, id);
        tx.sql('INSERT OR REPLACE INTO notice_toast VALUES (?, ?, ?, ?)').run(
          ...[userKey, id, outcome, place === undefined ? null : JSON.stringify(place)],
        );
        if (before?.outcome === outcome) return false;
        const isShown = outcome === 'shown' || outcome === 'changed';
        const told: NotificationToasted = {
          ...{ notification_id: id, pc_id: pcId, user_sid: userKey, at: new Date().toISOString() },
          ...(isShown ? {} : { reason: outcome, ...(detail === undefined ? {} : { detail }) }),
        };
        outbox.enqueueIn(tx, {
          id: `toast.${randomUUID()}`,
          subject: subjectOf({ kind: 'notification_toasted', pcId, sid: userKey, notificationId: id }),
          body: Buffer.from(JSON.stringify(told)),
          orderKey: `toast.${userKey}.${id}`,
        });
        return true;
      });
      unwritten.delete(key);
      return isNews;
    },
    closed(userKey, id) {
      file.transact((tx) =>
        tx.sql('UPDATE notice_toast SET place = NULL WHERE user_key = ? AND id = ?').run(userKey, id),
      );
    },
  };
}

/** Rows are not trusted: versions change, and disks do, too. */
function toastOf({ outcome, place }: Row): Toast {
  const known = outcome as Toast['outcome'];
  try {
    const { bus, owner, toast } = JSON.parse(String(place)) as Partial<ToastPlace>;
    if (typeof bus === 'string' && typeof owner === 'string' && Number.isInteger(toast))
      return { outcome: known, place: { bus, owner, toast: toast as number } };
  } catch {
    // As if it were on no screen: it stays where it is.
  }
  return { outcome: known };
}
