import type { Browser } from 'playwright-core';
import { patienceMs } from './eventually.ts';

export type { Browser, Page } from 'playwright-core';

/** Starts the Chromium that `KANADE_CHROMIUM` names, else Debian's, headless and without its own talk to the outside. */
export async function launchBrowser(): Promise<Browser> {
  // Loaded by those few who want one: half a second of every suite otherwise.
  const { chromium } = await import('playwright-core');
  const browser = await chromium.launch({
    timeout: patienceMs,
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
  // Its pages wait as long as everything else in a test does; `newPage` makes a context this way, too.
  const newContext = browser.newContext.bind(browser);
  browser.newContext = async (options) => {
    const context = await newContext(options);
    context.setDefaultTimeout(patienceMs);
    return context;
  };
  return browser;
}
