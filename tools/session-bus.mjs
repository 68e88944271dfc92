/** What toasts are tested with: Debian's dbus-daemon, and busctl. */
import { ensureDebian } from './debian.mjs';

const programs = { '/usr/bin/dbus-daemon': 'dbus-daemon', '/usr/bin/busctl': 'systemd' };

export const ensureSessionBus = () => ensureDebian('a session bus', programs, 'the tests of toasts');
