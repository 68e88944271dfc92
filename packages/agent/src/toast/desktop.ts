/**
 * The notification server of a person's session bus (Desktop Notifications Specification), through `busctl` of systemd run as that person:
 * a session bus talks to its own user alone.
 */
import { askAsUser, type SessionUser } from '@kanade/runner/process';
import type { ToastFault } from '@kanade/shared/fleet';
import { limits } from '../limits.ts';
import type { ToastPlace } from '../store/toasts.ts';
import { asMarkup, type ToastText } from './plain-text.ts';

export interface DesktopFault {
  readonly reason: ToastFault;
  /** What the system said. */
  readonly detail?: string;
}

export interface ShownToast extends ToastText {
  readonly isUrgent: boolean;
  /** It stays until somebody closes it. */
  readonly stays: boolean;
  /** The toast of an earlier version, whose place it takes. */
  readonly earlier: ToastPlace | undefined;
}

/** The desktop of one person, as it is now. */
export interface Desktop {
  show(toast: ShownToast): Promise<ToastPlace | DesktopFault>;
  /** Takes a toast from the screen, if it is still there. */
  close(place: ToastPlace): Promise<void>;
}

const server = ['org.freedesktop.Notifications', '/org/freedesktop/Notifications', 'org.freedesktop.Notifications'];
const [serverName = '', ...serverMethods] = server;
const bus = ['org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus'];

type Call = (...words: string[]) => Promise<string | DesktopFault>;

/** Looks for the notification server of a person; where none is there, the bus is asked for one if `mayStart`. Never rejects. */
export async function openDesktop(
  user: SessionUser,
  { mayStart, signal }: { readonly mayStart: boolean; readonly signal: AbortSignal },
): Promise<Desktop | DesktopFault> {
  const uid = process.geteuid?.();
  if (uid !== 0 && uid !== user.uid) return { reason: 'not_root' };
  const call: Call = (...words) => callAs(user, words, signal);
  const said = await call(...bus, 'NameHasOwner', 's', serverName);
  if (typeof said !== 'string') return said;
  if (said !== 'b true') {
    if (!mayStart) return { reason: 'no_server' };
    const begun = await call(...bus, 'StartServiceByName', 'su', serverName, '0');
    if (typeof begun !== 'string') return begun.reason === 'server_refused' ? { ...begun, reason: 'no_server' } : begun;
  }
  const [id, owner] = [await call(...bus, 'GetId'), await call(...bus, 'GetNameOwner', 's', serverName)];
  if (typeof id !== 'string') return id;
  if (typeof owner !== 'string') return owner;
  return desktopAt({ bus: textIn(id), owner: textIn(owner) }, call);
}

function desktopAt(at: Omit<ToastPlace, 'toast'>, call: Call): Desktop {
  const isHere = (place: ToastPlace): boolean => place.bus === at.bus && place.owner === at.owner;
  const ask: Call = (...words) => call(at.owner, ...serverMethods, ...words);
  return {
    async show({ title, body, isUrgent, stays, earlier }) {
      const capabilities = await ask('GetCapabilities');
      if (typeof capabilities !== 'string') return capabilities;
      const text = capabilities.includes('"body-markup"') ? asMarkup(body) : body;
      const hints = ['2', 'urgency', 'y', isUrgent ? '2' : '1', 'desktop-entry', 's', 'kanade-client'];
      const replaced = earlier && isHere(earlier) ? earlier.toast : 0;
      const said = await ask(
        ...['Notify', 'susssasa{sv}i', 'kanade', String(replaced), '', title, text, '0', ...hints, stays ? '0' : '-1'],
      );
      if (typeof said !== 'string') return said;
      const toast = Number(/^u (\d+)$/.exec(said)?.[1]);
      if (!Number.isInteger(toast)) return { reason: 'server_refused', detail: shortOf(said) };
      return { ...at, toast };
    },
    async close(place) {
      // Another server, or another bus, has other toasts under the same number.
      if (isHere(place)) await ask('CloseNotification', 'u', String(place.toast));
    },
  };
}

/** What a method of the bus answers, in the form of busctl. */
async function callAs(
  user: SessionUser,
  words: readonly string[],
  signal: AbortSignal,
): Promise<string | DesktopFault> {
  // Its own limit comes first, so that a server that stands still is told from a bus that does.
  const own = `--timeout=${limits.toastCallMs / 1000}`;
  const argv = ['busctl', '--user', own, '--auto-start=no', 'call', '--', ...words];
  const asked = await askAsUser(user, argv, { timeoutMs: limits.toastCallMs + 1_000, signal });
  if (!asked) return { reason: 'no_program', detail: 'busctl of systemd, or setpriv of util-linux' };
  const { code, stdout, stderr } = asked;
  if (code === 0) return stdout.trim();
  const detail = shortOf(stderr);
  const told = detail === '' ? {} : { detail };
  if (code === undefined || /timed? ?out/i.test(detail)) return { reason: 'no_answer', ...told };
  if (/connect|bus address/i.test(detail) && !detail.startsWith('Call failed'))
    return { reason: /no such file/i.test(detail) ? 'no_bus' : 'bus_refused', ...told };
  return { reason: /not connected|access denied/i.test(detail) ? 'bus_refused' : 'server_refused', ...told };
}

/** The text of an answer such as `s ":1.7"`. */
const textIn = (said: string): string => said.replace(/^s "(.*)"$/, '$1');

/** One line of what the system said, without control characters. */
const shortOf = (text: string): string =>
  text
    .replaceAll(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, limits.toastDetailCharsMax);
