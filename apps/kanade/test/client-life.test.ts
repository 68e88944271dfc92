/* The Client App, its agent, and everything that comes between them: of a run nothing is lost and nothing is shown twice. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type Browser, eventually, launchBrowser, type Page, tempDir } from '@kanade/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startAgent, startClient } from './agent.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser?.close());

/** A job that prints three lines, each when it is told to, and counts how often it was started; an agent that can come back; a Client App. */
async function openSite() {
  const dir = await tempDir();
  const at = (name: string): string => `${dir.path}/${name}`;
  mkdirSync(at('jobs'));
  const wait = (step: string): string => `while [ ! -e ${at(step)} ]; do sleep 0.02; done`;
  const script = [
    `echo started >> ${at('starts')}`,
    ...[1, 2, 3].map((step) => `${wait(`go-${step}`)}; echo line ${step}`),
    `${wait('go-4')}; echo ended > ${at('over')}`,
  ].join('\n');
  const client = { name: 'Slow steps', category: 'troubleshoot', confirm: false };
  const manifest = { id: 'steps', version: '1.0.0', execute: { shell: 'sh', timeout: '5m', script }, client };
  writeFileSync(at('jobs/steps.yaml'), JSON.stringify(manifest));
  const begin = () => startAgent({ jobs: at('jobs'), dataDir: at('data'), socket: at('s') });
  return {
    dir,
    begin,
    go: (...steps: number[]) => {
      for (const step of steps) writeFileSync(at(`go-${step}`), '');
    },
    isOver: () => existsSync(at('over')),
    starts: () => readFileSync(at('starts'), 'utf8').split('\n').length - 1,
    client: () => startClient(at('s')),
  };
}

async function openTab(address: string) {
  const context = await browser.newContext({ locale: 'en-US', reducedMotion: 'reduce' });
  const page = await context.newPage();
  await page.goto(address);
  await page.locator('#view-title').waitFor();
  return page;
}

const lines = (count: number): string => Array.from({ length: count }, (_, at) => `line ${at + 1}\n`).join('');

/** Waits until a tab shows one run with so many lines, each once, and in this state. */
async function shows(page: Page, count: number, status: 'Running' | 'Done'): Promise<void> {
  const run = page.locator('.run');
  await run.getByText(`line ${count}`).waitFor();
  await run.getByText(status, { exact: true }).waitFor();
  expect(await run.count()).toBe(1);
  expect(await run.locator('pre').textContent()).toBe(lines(count));
  // What a screen reader was told: one line for the run, not one for each time that it was heard of.
  expect(await page.locator('[aria-live] li').allTextContents()).toEqual([`Slow steps: ${status}`]);
}

async function click(page: Page): Promise<void> {
  await page.getByRole('navigation').getByRole('link', { name: 'Troubleshooting' }).click();
  await page.getByRole('button', { name: 'Run Slow steps' }).click();
}

it('a run goes on through the death of its agent, a reload and a second tab', async () => {
  const site = await openSite();
  await using _dir = site.dir;
  const first = await site.begin();
  await using client = await site.client();
  const page = await openTab(client.address);
  await click(page);
  site.go(1);
  await shows(page, 1, 'Running');

  await first.kill();
  await page.getByRole('heading', { name: 'The agent does not answer' }).waitFor();
  site.go(2);
  await using _second = await site.begin();
  await shows(page, 2, 'Running');
  const other = await page.context().newPage();
  await other.goto(client.address);
  await shows(other, 2, 'Running');
  await page.reload();
  site.go(3);
  for (const tab of [page, other]) await shows(tab, 3, 'Running');
  site.go(4);
  for (const tab of [page, other]) await shows(tab, 3, 'Done');
  expect(site.starts()).toBe(1);
  await page.context().close();
});

it('what ended while the agent was dead is told once, with all that it printed', async () => {
  const site = await openSite();
  await using _dir = site.dir;
  const first = await site.begin();
  await using client = await site.client();
  const page = await openTab(client.address);
  await click(page);
  site.go(1);
  await shows(page, 1, 'Running');
  await first.kill();
  site.go(2, 3, 4);
  await eventually('the job ends without its agent', site.isOver);
  const second = await site.begin();
  await shows(page, 3, 'Done');

  // And once more: what it tells again is known.
  await second.kill();
  await page.getByRole('heading', { name: 'The agent does not answer' }).waitFor();
  await using _third = await site.begin();
  await page.getByRole('heading', { name: 'The agent does not answer' }).waitFor({ state: 'detached' });
  await shows(page, 3, 'Done');
  expect(site.starts()).toBe(1);
  await page.context().close();
});

it('a machine that sleeps, a page that is frozen and one that is cut off catch up', async () => {
  const site = await openSite();
  await using _dir = site.dir;
  await using agent = await site.begin();
  await using client = await site.client();
  const page = await openTab(client.address);
  const debug = await page.context().newCDPSession(page);
  await click(page);

  const sleeping = [agent.pid, client.pid].map(Number);
  for (const pid of sleeping) process.kill(pid, 'SIGSTOP');
  site.go(1);
  for (const pid of sleeping) process.kill(pid, 'SIGCONT');
  await shows(page, 1, 'Running');

  const other = await page.context().newPage();
  await other.goto(client.address);
  await debug.send('Page.setWebLifecycleState', { state: 'frozen' });
  site.go(2);
  await shows(other, 2, 'Running');
  await debug.send('Page.setWebLifecycleState', { state: 'active' });
  await shows(page, 2, 'Running');

  await page.context().setOffline(true);
  await other.reload().catch(() => undefined);
  site.go(3, 4);
  await eventually('the job ends', site.isOver);
  await page.context().setOffline(false);
  await shows(page, 3, 'Done');
  expect(site.starts()).toBe(1);
  await page.context().close();
});
