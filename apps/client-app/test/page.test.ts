import { launchBrowser } from '@kanade/testkit';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPage } from './open-page.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

/** Waits for the words that say how a run goes. */
function runStatus(page: Page, words: string) {
  return page.getByRole('complementary', { name: 'Runs' }).getByText(words, { exact: true });
}

describe('page', () => {
  it('lists the categories in order with their counts, and in each its own jobs', async () => {
    await using opened = await openPage(browser);
    const tabs = opened.page.getByRole('navigation', { name: 'Views' }).getByRole('link');
    await tabs.getByText('Tidy up').waitFor();
    expect(await tabs.allInnerTexts()).toEqual([
      'Home',
      'Device health',
      'Updates\n1',
      'Troubleshooting\n2',
      'Tidy up\n1',
    ]);
    expect(opened.page.url()).not.toContain('token');
    for (const [name, jobs] of Object.entries({
      Updates: ['Pending updates'],
      Troubleshooting: ['Disk report', 'Network check'],
      'Tidy up': ['Clear the thumbnail cache'],
    })) {
      await tabs.filter({ hasText: name }).click();
      await opened.page.getByRole('heading', { level: 2, name }).waitFor();
      expect(await opened.page.locator('#content .job h3').allTextContents()).toEqual(jobs);
    }
    expect(opened.complaints).toEqual([]);
  });

  it('runs a job by keyboard alone: confirm, output while it runs, its end', async () => {
    await using opened = await openPage(browser);
    const { page, server } = opened;
    await page.getByRole('navigation').getByRole('link', { name: 'Troubleshooting' }).focus();
    await page.keyboard.press('Enter');
    const run = page.getByRole('button', { name: 'Run Disk report' });
    await run.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: 'Run “Disk report”?' }).waitFor();
    await page.keyboard.press('Enter');
    await runStatus(page, 'Waiting').waitFor();
    expect(server.agent.calls).toEqual(['execute disk-report']);
    // The button keeps the focus; while the job runs it leads to the run, so that a second press starts no second one.
    const show = page.getByRole('button', { name: 'Show Disk report' });
    expect(await show.evaluate((button) => button === document.activeElement)).toBe(true);

    server.agent.push(server.board, { run_id: 'run-1', status: 'running', stdout_chunk: '/ is 40 % full\n' });
    await page.getByText('/ is 40 % full').waitFor();
    await runStatus(page, 'Running').waitFor();
    server.agent.push(server.board, {
      run_id: 'run-1',
      status: 'completed',
      exit_code: 0,
      stdout_chunk: '/ is 40 % full\n#KANADE-CHECK-BEGIN\n{"status":"ok"}\n#KANADE-CHECK-END\n/home is 71 % full\n',
    });
    await runStatus(page, 'Done').waitFor();
    expect(await page.locator('pre').textContent()).toBe('/ is 40 % full\n/home is 71 % full\n');
    expect(opened.complaints).toEqual([]);
  });

  it('cancels the dialog with Escape, runs nothing and gives the focus back', async () => {
    await using opened = await openPage(browser);
    const { page, server } = opened;
    await page.getByRole('navigation').getByRole('link', { name: 'Tidy up' }).click();
    const run = page.getByRole('button', { name: 'Run Clear the thumbnail cache' });
    await run.click();
    await page.getByText('All picture previews of your account are removed.').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await run.evaluate((button) => button === document.activeElement)).toBe(true);
    expect(server.agent.calls).toEqual([]);
  });

  it('keeps the focus inside the dialog', async () => {
    await using opened = await openPage(browser);
    const { page } = opened;
    await page.getByRole('navigation').getByRole('link', { name: 'Tidy up' }).click();
    await page.getByRole('button', { name: 'Run Clear the thumbnail cache' }).click();
    await page.getByRole('dialog').waitFor();
    for (let step = 0; step < 6; step += 1) {
      await page.keyboard.press('Tab');
      const isOutside = await page.evaluate(
        () => document.activeElement !== document.body && !document.activeElement?.closest('dialog'),
      );
      expect(isOutside).toBe(false);
    }
  });

  it('runs at once where the job asks for no confirmation, and stops it', async () => {
    await using opened = await openPage(browser);
    const { page, server } = opened;
    await page.getByRole('navigation').getByRole('link', { name: 'Troubleshooting' }).click();
    await page.getByRole('button', { name: 'Run Network check' }).click();
    await runStatus(page, 'Waiting').waitFor();
    server.agent.push(server.board, { run_id: 'run-1', status: 'running', stderr_chunk: 'no route\n' });
    await page.getByText('Error output').waitFor();
    await page.getByRole('button', { name: 'Stop Network check' }).focus();
    await page.keyboard.press('Enter');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Stopping…', disabled: true }).waitFor();
    expect(server.agent.calls).toEqual(['execute network-check', 'kill run-1']);
    server.agent.push(server.board, { run_id: 'run-1', status: 'killed', exit_code: -1 });
    await runStatus(page, 'Stopped').waitFor();
    expect(await page.getByRole('button', { name: /Stop/ }).count()).toBe(0);
    const fold = page.getByRole('button', { name: 'Output of Network check' });
    expect(await fold.evaluate((button) => button === document.activeElement)).toBe(true);
    await page.keyboard.press('Enter');
    expect(await page.getByText('no route').count()).toBe(0);
    await page.keyboard.press('Enter');
    expect(await page.getByText('no route').isVisible()).toBe(true);
  });

  it('shows live runs again after a reload and in a second tab', async () => {
    await using opened = await openPage(browser);
    const { page, server } = opened;
    server.agent.push(server.board, {
      run_id: 'r7',
      job_id: 'disk-report',
      status: 'running',
      stdout_chunk: 'before\n',
    });
    await page.getByText('before').waitFor();
    await page.reload();
    await page.getByText('before').waitFor();
    const second = await page.context().newPage();
    await second.goto(server.url);
    await second.getByText('before').waitFor();
    server.agent.push(server.board, { run_id: 'r7', status: 'running', stdout_chunk: 'after\n' });
    for (const one of [page, second]) await one.getByText('after').waitFor();
  });

  it('leaves its stream when nobody sees it, since a browser keeps six connections for all tabs, and catches up', async () => {
    await using opened = await openPage(browser);
    const { page, server } = opened;
    const become = (isHidden: boolean) =>
      page.evaluate((hidden) => {
        Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden });
        document.dispatchEvent(new Event('visibilitychange'));
      }, isHidden);
    await page.clock.install();
    const left = page.waitForEvent('requestfailed', (request) => request.url().endsWith('/api/events'));
    await become(true);
    await page.clock.fastForward(10_000);
    await left;
    const stdout_chunk = 'meanwhile\n';
    server.agent.push(server.board, { run_id: 'r7', job_id: 'disk-report', status: 'running', stdout_chunk });
    await become(false);
    await page.getByText('meanwhile').waitFor();
    expect(opened.complaints).toEqual([]);
  });

  it('follows the end of the output until the reader scrolls up', async () => {
    await using opened = await openPage(browser);
    const { page, server } = opened;
    const lines = Array.from({ length: 200 }, (_, index) => `line ${index}\n`).join('');
    server.agent.push(server.board, { run_id: 'r1', job_id: 'disk-report', status: 'running', stdout_chunk: lines });
    const output = page.locator('pre');
    await output.getByText('line 199').waitFor();
    const distance = () => output.evaluate((pre) => pre.scrollHeight - pre.scrollTop - pre.clientHeight);
    expect(await distance()).toBeLessThan(12);
    await output.evaluate((pre) => pre.scrollTo(0, 100));
    const toEnd = page.getByRole('button', { name: 'Follow the end' });
    await toEnd.waitFor();
    server.agent.push(server.board, { run_id: 'r1', status: 'running', stdout_chunk: 'line 200\n' });
    await output.getByText('line 200').waitFor();
    expect(await output.evaluate((pre) => pre.scrollTop)).toBe(100);
    await toEnd.click();
    await toEnd.waitFor({ state: 'detached' });
    expect(await distance()).toBeLessThan(12);
  });

  it('shows output and names as text, never as markup', async () => {
    await using opened = await openPage(browser);
    const { page, server } = opened;
    const markup = '<img src=x onerror="document.title=1"><b>bold</b>';
    server.agent.push(server.board, { run_id: 'r1', job_id: markup, status: 'failed', stdout_chunk: markup });
    await page.getByRole('heading', { name: markup }).waitFor();
    expect(await page.locator('pre').textContent()).toBe(markup);
    expect(await page.locator('img, b').count()).toBe(0);
  });

  it('says what to do while the agent is away, and recovers by itself', async () => {
    await using opened = await openPage(browser);
    const { page, server } = opened;
    await page.getByRole('navigation').getByRole('link', { name: 'Troubleshooting' }).click();
    const run = page.getByRole('button', { name: 'Run Disk report' });
    await run.focus();
    server.agent.lose(server.board, 'dial: /run/kanade/agent.sock: nothing is there; start the server');
    await page.getByRole('heading', { name: 'The agent does not answer' }).waitFor();
    expect(await run.isDisabled()).toBe(true);
    await page.keyboard.press('Enter');
    server.agent.connect(server.board);
    await page.getByRole('heading', { name: 'The agent does not answer' }).waitFor({ state: 'detached' });
    expect(await run.isDisabled()).toBe(false);
    // The keyboard is where it was, and what was pressed meanwhile does not happen now.
    expect(await run.evaluate((button) => button === document.activeElement)).toBe(true);
    expect(await page.getByRole('dialog').count()).toBe(0);
  });

  it('tells why a run did not start, and refreshes the list', async () => {
    await using opened = await openPage(browser);
    const { page, server } = opened;
    await page.getByRole('navigation').getByRole('link', { name: 'Troubleshooting' }).click();
    server.agent.jobs = server.agent.jobs.filter((job) => job.id !== 'network-check');
    await page.getByRole('button', { name: 'Run Network check' }).click();
    await page.getByRole('alert').getByText('That task or run no longer exists.').waitFor();
    await page.getByRole('button', { name: 'Run Network check' }).waitFor({ state: 'detached' });
  });

  it('is locked in a browser that did not get the address', async () => {
    await using opened = await openPage(browser);
    const stranger = await browser.newContext({ locale: 'en-US' });
    const page = await stranger.newPage();
    for (const url of [opened.server.origin, opened.server.url]) {
      await page.goto('about:blank');
      await page.goto(url);
      await page.getByRole('heading', { name: 'This page is locked' }).waitFor();
    }
    await stranger.close();
  });

  it('says so when its own program has stopped', async () => {
    await using opened = await openPage(browser);
    await opened.server[Symbol.asyncDispose]();
    await opened.page.getByRole('heading', { name: 'This program has stopped' }).waitFor();
  });

  it('speaks the language of the browser, or the one that the address asks for', async () => {
    await using opened = await openPage(browser);
    const { page, server } = opened;
    await page.goto(`${server.origin}/?lang=ja`);
    await page.getByRole('heading', { name: '何をしますか?' }).waitFor();
    expect(await page.locator('html').getAttribute('lang')).toBe('ja');
  });

  it('needs no sideways scrolling at 360 pixels', async () => {
    await using opened = await openPage(browser, { viewport: { width: 360, height: 740 } });
    const { page, server } = opened;
    const wide = `${'x'.repeat(500)}\n`;
    server.agent.push(server.board, { run_id: 'r1', job_id: 'disk-report', status: 'running', stdout_chunk: wide });
    await page.getByText('xxx').waitFor();
    await page.goto(`${server.origin}/#/category/troubleshoot`);
    await page.getByRole('button', { name: 'Show Disk report' }).waitFor();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
  });
});
