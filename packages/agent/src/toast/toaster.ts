/**
 * Notices that ask for it, on the desktops of the people who are here. It sleeps until a notice comes or changes, somebody confirms one,
 * or, while there is one to be shown, somebody comes to the machine.
 */
import { presentUsers, type SessionUser, watchSessions } from '@kanade/runner/process';
import { nobodyKey, type ToastFault } from '@kanade/shared/fleet';
import type { LocalNotification } from '@kanade/shared/local';
import type { Logger } from '../config/logger.ts';
import { createRepeated } from '../fleet/repeat.ts';
import { limits } from '../limits.ts';
import type { Notices } from '../store/notices.ts';
import type { Toast, Toasts } from '../store/toasts.ts';
import { type Desktop, type DesktopFault, openDesktop } from './desktop.ts';
import { type DueToasts, dueFor, isToasted } from './due.ts';
import { toastText } from './plain-text.ts';

export interface ToasterOptions {
  readonly notices: Pick<Notices, 'list' | 'watch'>;
  readonly toasts: Toasts;
  /** Whether somebody is served at the local door: who may not read a notice there does not see it on the desktop. */
  readonly isServed: (peer: { readonly uid: number }) => { readonly ok: boolean };
  readonly log: Logger;
  /** Fires when the agent ends. */
  readonly signal: AbortSignal;
}

/** Shows what is due, and goes on with that until the signal fires. Nothing waits for it. */
export function keepToasting(options: ToasterOptions): void {
  const { notices, log, signal } = options;
  const watching = createWatching(() => kick());
  let failures = 0;
  let retry: NodeJS.Timeout | undefined;
  const rounds = createRepeated({
    run: async () => {
      clearTimeout(retry);
      const isOpen = notices.list(nobodyKey, Date.now()).some((notice) => isToasted(notice, Date.now()));
      watching.set(isOpen);
      const isDone = await showDue(options);
      const waitMs = isDone ? undefined : limits.toastRetriesMs[failures++];
      if (waitMs !== undefined && !signal.aborted) retry = setTimeout(rounds.kick, waitMs).unref();
    },
    onError: (error) => log.warn({ err: error }, 'toasts could not be looked after; trying again'),
    retryMs: limits.commitRetryMs,
    signal,
  });
  /** Something has changed: what could not be shown may be now. */
  function kick(): void {
    failures = 0;
    rounds.kick();
  }
  const unwatch = notices.watch(kick);
  const end = (): void => {
    unwatch();
    watching.set(false);
    clearTimeout(retry);
  };
  signal.addEventListener('abort', end, { once: true });
  kick();
}

/** Whether somebody comes is looked at only while there is something to be shown. */
function createWatching(onChange: () => void) {
  let watcher: ReturnType<typeof watchSessions>;
  return {
    set(isWanted: boolean): void {
      if (isWanted) watcher ??= watchSessions(onChange);
      else {
        watcher?.close();
        watcher = undefined;
      }
    },
  };
}

/** Shows what is due for everybody who is here. False when something could not be shown now and could be soon. */
async function showDue(options: ToasterOptions): Promise<boolean> {
  const { isServed, signal } = options;
  const isLinux = process.platform === 'linux';
  const people = isLinux ? presentUsers().filter(({ uid }) => isServed({ uid }).ok) : [];
  if (people.length === 0) {
    const reason = isLinux ? 'nobody_there' : 'not_linux';
    const { show, tooMany } = dueOf(options, nobodyKey);
    for (const notice of [...show, ...tooMany]) tell(options, { userKey: nobodyKey, notice }, { reason });
    return true;
  }
  let isDone = true;
  for (const user of people) {
    if (signal.aborted) break;
    isDone = (await showTo(options, user)) && isDone;
  }
  return isDone;
}

function dueOf({ notices, toasts }: ToasterOptions, userKey: string): DueToasts {
  const nowMs = Date.now();
  const unread = notices.list(userKey, nowMs).filter(({ acked_at }) => acked_at === undefined);
  return dueFor({ unread, toasts: toasts.of(userKey), nowMs });
}

/** Faults that end by themselves, or when somebody does something about them. */
const passing: ReadonlySet<ToastFault> = new Set(['no_bus', 'bus_refused', 'no_server', 'no_answer', 'server_refused']);

async function showTo(options: ToasterOptions, user: SessionUser): Promise<boolean> {
  const { toasts, signal } = options;
  const userKey = `uid-${user.uid}`;
  const due = dueOf(options, userKey);
  for (const notice of due.tooMany) tell(options, { userKey, notice }, { reason: 'too_many' });
  if (due.show.length === 0 && due.close.length === 0) return true;
  const before = toasts.of(userKey);
  const { sinceMs = 0 } = user.session;
  const desktop = await openDesktop(user, { mayStart: Date.now() - sinceMs > limits.toastServerMs, signal });
  if (signal.aborted) return true;
  if ('reason' in desktop) {
    for (const notice of due.show) tell(options, { userKey, notice }, desktop);
    return !passing.has(desktop.reason);
  }
  for (const id of due.close) {
    const place = before.get(id)?.place;
    if (place) await desktop.close(place);
    if (signal.aborted) return true;
    toasts.closed(userKey, id);
  }
  for (const notice of due.show) {
    const fault = await showOne(options, desktop, { userKey, notice, toast: before.get(notice.id) });
    // One that stands still, or refuses, would do the same to the next one.
    if (fault || signal.aborted) return false;
  }
  return true;
}

interface About {
  readonly userKey: string;
  readonly notice: LocalNotification;
}

async function showOne(
  options: ToasterOptions,
  desktop: Desktop,
  { userKey, notice, toast }: About & { readonly toast: Toast | undefined },
): Promise<DesktopFault | undefined> {
  const { toasts, log, signal } = options;
  const shown = await desktop.show({
    ...toastText(notice),
    isUrgent: notice.priority === 'emergency',
    stays: notice.require_ack === true,
    earlier: toast?.place,
  });
  if ('reason' in shown) {
    if (!signal.aborted) tell(options, { userKey, notice }, shown);
    return shown;
  }
  const { id } = notice;
  if (toasts.note({ userKey, id }, { outcome: 'shown', place: shown }))
    log.info({ id, user: userKey }, 'a notification is on the desktop');
  return undefined;
}

/** Why something is not on a desktop, said once for each reason. */
function tell({ toasts, log }: ToasterOptions, { userKey, notice: { id } }: About, fault: DesktopFault): void {
  const { reason, detail } = fault;
  if (toasts.note({ userKey, id }, { outcome: reason }, detail))
    log.warn({ id, user: userKey, ...fault }, 'a notification is not on the desktop');
}
