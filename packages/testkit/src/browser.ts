import type { Browser } from 'playwright-core';

export type { Browser, Page } from 'playwright-core';

/** Starts the Chromium that `KANADE_CHROMIUM` names, else Debian's, headless and without its own talk to the outside. */
export async function launchBrowser(): Promise<Browser> {
  // Loaded by those few who want one: half a second of every suite otherwise.
  const { chromium } = await import('playwright-core');
  return chromium.launch({
    executablePath: process.env.KANADE_CHROMIUM || '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}
