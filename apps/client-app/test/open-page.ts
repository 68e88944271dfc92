import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import type { MemoryAgent } from './memory-agent.ts';
import { openPageUnderTest, type PageUnderTest } from './page-under-test.ts';

export interface OpenedPage extends AsyncDisposable {
  readonly server: PageUnderTest;
  readonly page: Page;
  /** What the page complained about: script errors, blocked resources. */
  readonly complaints: string[];
}

export interface OpenPageOptions extends BrowserContextOptions {
  /** Sets up the agent before the page sees it. */
  readonly prepare?: (agent: MemoryAgent) => void;
  /** Fragment with which the page is opened, behind its token. */
  readonly link?: string;
}

/** The page in a browser of its own, once its home view is there. */
export async function openPage(
  browser: Browser,
  { prepare, link = '', ...options }: OpenPageOptions = {},
): Promise<OpenedPage> {
  const server = await openPageUnderTest({}, prepare);
  const context = await browser.newContext({ locale: 'en-US', ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  await page.goto(`${server.url}${link}`);
  await page.locator('#view-title').waitFor();
  return {
    server,
    page,
    complaints,
    async [Symbol.asyncDispose]() {
      await context.close();
      await server[Symbol.asyncDispose]();
    },
  };
}
