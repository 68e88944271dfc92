import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { launchBrowser } from '@kanade/testkit';
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { gallery, showState } from './gallery.ts';
import { openPageUnderTest } from './page-under-test.ts';

let browser: Browser;
/** Pages that wait for a state to show: a new one for each costs as much as looking at it. */
const pages: Page[] = [];
beforeAll(async () => {
  browser = await launchBrowser();
  pages.push(...(await Promise.all([openJudgedPage(), openJudgedPage()])));
});
afterAll(() => browser.close());

/** Without motion: what is half-way from one colour to another is judged by neither. The page's own policy lets in no script; the debugger may. */
async function openJudgedPage(): Promise<Page> {
  const page = await browser.newPage({ reducedMotion: 'reduce' });
  await page.addInitScript({ content: axe.source });
  return page;
}

/** `KANADE_PICTURES=DIR` writes a picture of every view in both languages and themes there. */
const picturesDir = process.env.KANADE_PICTURES;

const wide = { width: 1280, height: 800 };
const narrow = { width: 390, height: 760 };

/** Two looks that differ in everything; each state is opened in one of them, and then seen in the colours and the width of the other. */
const looks = [
  { lang: 'en', colorScheme: 'light', viewport: wide },
  { lang: 'ja', colorScheme: 'dark', viewport: narrow },
] as const;

it.concurrent.each(gallery.map((state, index) => [state.name, state, index] as const))(
  '%s is fit for everybody',
  async (_name, state, index) => {
    await using server = await openPageUnderTest({}, state.agent, { isAlone: state.isAlone === true });
    const [look, other] = index % 2 === 0 ? looks : [looks[1], looks[0]];
    const page = pages.pop() ?? (await openJudgedPage());
    await wear(page, look);
    await showState(state, page, server, look.lang);
    // Of hundreds of rows the first sixty are looked at: the others are made alike, and axe would look through all of them.
    await page.evaluate(() => {
      for (const row of document.querySelectorAll('.jobs > .job:nth-child(n + 61)')) row.remove();
    });
    expect(await violations(page)).toEqual([]);
    expect(await excessWidth(page)).toBe(0);
    await wear(page, other);
    expect(await violations(page, ['color-contrast', 'target-size', 'scrollable-region-focusable'])).toEqual([]);
    expect(await excessWidth(page)).toBe(0);
    pages.push(page);
  },
);

async function wear(page: Page, { colorScheme, viewport }: (typeof looks)[number]): Promise<void> {
  await page.emulateMedia({ colorScheme });
  await page.setViewportSize(viewport);
}

if (picturesDir) {
  const pictured = gallery.filter(({ isPictured }) => isPictured);
  it.each(pictured.map((state) => [state.name, state] as const))('takes the pictures of %s', async (name, state) => {
    mkdirSync(picturesDir, { recursive: true });
    for (const lang of ['en', 'ja']) {
      for (const colorScheme of ['light', 'dark'] as const) {
        await using server = await openPageUnderTest({}, state.agent);
        const page = await browser.newPage({
          colorScheme,
          viewport: { width: 880, height: 560 },
          reducedMotion: 'reduce',
        });
        await showState(state, page, server, lang);
        const path = join(picturesDir, `${name.replace('-calm', '')}-${lang}-${colorScheme}.jpg`);
        await page.screenshot({ path, type: 'jpeg', quality: 72 });
        await page.close();
      }
    }
  });
}

it('axe finds what is wrong on this page, so that finding nothing means something', async () => {
  await using server = await openPageUnderTest();
  const page = await openJudgedPage();
  await showState({ name: 'planted' }, page, server, 'en');
  await page.evaluate(() => document.querySelector('nav')?.insertAdjacentHTML('beforeend', '<button></button>'));
  expect((await violations(page)).map((words) => words.split(':')[0])).toContain('button-name');
  await page.close();
});

it('is the same at 200 % zoom: nothing needs sideways scrolling, everything can be reached', async () => {
  const state = gallery.find(({ name }) => name === 'category');
  await using server = await openPageUnderTest({}, state?.agent);
  // Zooming in by two halves the CSS pixels that a window of the default size has.
  const page = await browser.newPage({ viewport: { width: 440, height: 280 }, deviceScaleFactor: 2 });
  if (state) await showState(state, page, server, 'en');
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(440);
  await page
    .getByRole('button', { name: 'Run Disk report' })
    .or(page.getByRole('button', { name: 'Show Disk report' }))
    .click();
  await page.close();
});

it('moves nothing for who wants less motion', async () => {
  const state = gallery.find(({ name }) => name === 'home');
  await using server = await openPageUnderTest({}, state?.agent);
  const page = await browser.newPage({ reducedMotion: 'reduce' });
  if (state) await showState(state, page, server, 'en');
  expect(await page.evaluate(() => document.getAnimations().length)).toBe(0);
  await page.close();
});

/** What axe finds, by all its rules or by some: one line per rule and place. */
function violations(page: Page, rules?: readonly string[]): Promise<readonly string[]> {
  return page.evaluate(async (only) => {
    const { violations } = await (globalThis as unknown as { axe: typeof axe }).axe.run(document, {
      resultTypes: ['violations'],
      ...(only ? { runOnly: { type: 'rule', values: [...only] } } : {}),
    });
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 160)}: ${failureSummary}`),
    );
  }, rules);
}

/** CSS pixels by which the page is wider than its window. */
function excessWidth(page: Page): Promise<number> {
  return page.evaluate(() => Math.max(0, document.documentElement.scrollWidth - innerWidth));
}
