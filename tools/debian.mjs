/** Packages of Debian that tests need: installed when they are missing and we may. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { say } from './toolchain.mjs';

/** Installs packages; false when that is not ours to do, or failed. `what` is named to whoever watches. */
export function installDebian(what, ...packages) {
  if (process.platform !== 'linux' || process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return false;
  say(`installing ${what} from Debian packages ...`);
  const apt = (...args) =>
    spawnSync('apt-get', args, {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      stdio: ['ignore', 'ignore', 2],
    }).status === 0;
  const installed = apt('update', '-q') && apt('install', '-y', '-q', '--no-install-recommends', ...packages);
  if (!installed) say(`installing ${what} failed: see above`);
  return installed;
}

/**
 * Installs what is missing of these: path of a program → its package. Says what fails without it when that could not be done. Only root can
 * play people and machines, so nobody else needs them.
 */
export function ensureDebian(what, programs, without) {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return;
  const missing = () => Object.keys(programs).filter((path) => !existsSync(path));
  const lacking = missing();
  if (lacking.length > 0) installDebian(what, ...new Set(lacking.map((path) => programs[path])));
  for (const path of missing()) say(`no ${path}: install ${programs[path]}; ${without} will fail without it`);
}
