/** The browser that the page is tested in: Debian's Chromium, installed when it is missing and we may. */
import { existsSync } from 'node:fs';
import { installDebian } from './debian.mjs';
import { say } from './toolchain.mjs';

const paths = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Path of a Chromium, or undefined with a sentence on stderr that says what to do. */
export function ensureChromium() {
  const find = () => process.env.KANADE_CHROMIUM ?? paths.find((path) => existsSync(path));
  const found = find() ?? (installDebian('Chromium', 'chromium', 'fonts-noto-cjk') ? find() : undefined);
  if (!found)
    say('no Chromium found: install it, or name one in KANADE_CHROMIUM; the browser tests will fail without it');
  return found;
}
