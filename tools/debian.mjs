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
