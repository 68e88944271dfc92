/** The browser that the page is tested in: Debian's Chromium, installed when it is missing and we may. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { say } from './toolchain.mjs';

const paths = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Path of a Chromium, or undefined with a sentence on stderr that says what to do. */
export function ensureChromium() {
  const named = process.env.KANADE_CHROMIUM;
  const found = named ?? paths.find((path) => existsSync(path));
  if (found) return found;
  if (process.platform !== 'linux' || process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    say('no Chromium found: install it, or name one in KANADE_CHROMIUM; the browser tests will fail without it');
    return undefined;
  }
  say('installing Chromium from Debian packages ...');
  const apt = (...args) =>
    spawnSync('apt-get', args, {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      stdio: ['ignore', 'ignore', 2],
    }).status === 0;
  const installed =
    apt('update', '-q') && apt('install', '-y', '-q', '--no-install-recommends', 'chromium', 'fonts-noto-cjk');
  if (!installed) say('installing Chromium failed: see above; the browser tests will fail without it');
  return paths.find((path) => existsSync(path));
}
