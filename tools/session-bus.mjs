/** What toasts are tested with: Debian's dbus-daemon, and busctl, installed when they are missing and we may. */
import { existsSync } from 'node:fs';
import { installDebian } from './debian.mjs';
import { say } from './toolchain.mjs';

const packages = { '/usr/bin/dbus-daemon': 'dbus-daemon', '/usr/bin/busctl': 'systemd' };

/** Says what to do when something is missing. Only root can play people, so nobody else needs it. */
export function ensureSessionBus() {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return;
  const missing = () => Object.keys(packages).filter((path) => !existsSync(path));
  const lacking = missing();
  if (lacking.length > 0) installDebian('a session bus', ...lacking.map((path) => packages[path]));
  for (const path of missing()) say(`no ${path}: install ${packages[path]}; the tests of toasts will fail without it`);
}
