import { readFile } from 'node:fs/promises';
import { launchBrowser } from '@kanade/testkit';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openPage } from './open-page.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

it('20 MB of output leave a page that is bounded, follows the end, and still answers', async () => {
  await using opened = await openPage(browser);
  const { page, server } = opened;
  const { agent, board } = server;
  const line = (at: number): string => `line ${String(at).padStart(8, '0')} ${'x'.repeat(85)}\n`;
  const linesPerPush = 640; // 64 KB, what the agent pushes at most at a time
  const pushCount = 320;
  for (let push = 0; push < pushCount; push += 1) {
    const stdout_chunk = Array.from({ length: linesPerPush }, (_, at) => line(push * linesPerPush + at)).join('');
    agent.push(board, { run_id: 'r1', job_id: 'disk-report', status: 'running', stdout_chunk });
    if (push % 40 === 0) await page.evaluate(() => new Promise(requestAnimationFrame));
  }
  const last = line(pushCount * linesPerPush - 1).trim();
  const output = page.locator('#run-r1 pre');
  await output.getByText(last).waitFor();
  const shown = await output.evaluate((pre) => ({ chars: pre.textContent?.length ?? 0, nodes: pre.childElementCount }));
  expect(shown.chars).toBeGreaterThan(200_000);
  expect(shown.chars).toBeLessThan(300_000);
  expect(shown.nodes).toBeLessThan(60);
  const lines = ((await output.textContent()) ?? '').trim().split('\n');
  expect(lines.at(-1)).toBe(last);
  expect(new Set(lines).size).toBe(lines.length);
  expect(await output.evaluate((pre) => pre.scrollHeight - pre.scrollTop - pre.clientHeight)).toBeLessThan(12);
  await page.getByText('earlier characters are not kept here').waitFor();
  // What nobody looks at is not laid out, and stands there when somebody does.
  const kept = await output.evaluate((pre) =>
    [...pre.children].map((block) => getComputedStyle(block)).map((style) => [style.contentVisibility, style.height]),
  );
  expect(kept.filter(([visibility]) => visibility === 'auto').length).toBe(kept.length - 2);
  expect(kept.every(([, height]) => Number.parseFloat(height ?? '') > 100)).toBe(true);
  await output.evaluate((pre) => pre.scrollTo(0, 0));
  await page.getByRole('button', { name: 'Follow the end' }).click();
  await page.waitForFunction(() => {
    const pre = document.querySelector('#run-r1 pre');
    return pre !== null && pre.scrollTop > 0 && pre.scrollHeight - pre.scrollTop - pre.clientHeight < 12;
  });
  // The last push holds the beginning only; what was seen last stays.
  const cut = `${line(0)}...[truncated: output exceeded 256 KiB]\n`;
  agent.push(board, { run_id: 'r1', status: 'completed', exit_code: 0, stdout_chunk: cut });
  await page.locator('#run-r1').getByText('Done', { exact: true }).waitFor();
  expect(await output.textContent()).toContain(last);
  await page.getByRole('link', { name: 'Home' }).click();
  expect(opened.complaints).toEqual([]);
});

it('copies what was printed without its colours, and leads to the error', async () => {
  await using opened = await openPage(browser, { permissions: ['clipboard-read', 'clipboard-write'] });
  const { page, server } = opened;
  const stdout_chunk = `${'fine\n'.repeat(300)}\u001b[31mError: no route\u001b[0m\n${'more\n'.repeat(300)}`;
  server.agent.push(server.board, {
    run_id: 'r1',
    job_id: 'disk-report',
    status: 'failed',
    exit_code: 3,
    stdout_chunk,
  });
  await page.getByText('The output says what went wrong.').waitFor();
  const output = page.locator('#run-r1 pre');
  await page.getByRole('button', { name: 'To the error' }).click();
  // The line itself, not the hundreds of lines around it.
  await page.waitForFunction(() => {
    const [box, line] = ['#run-r1 pre', '#run-r1 .ansi-red'].map((place) =>
      document.querySelector(place)?.getBoundingClientRect(),
    );
    return box && line && line.top >= box.top && line.bottom <= box.bottom;
  });
  expect(await output.locator('.ansi-red').textContent()).toBe('Error: no route');
  await page.locator('#run-r1').getByRole('button', { name: 'Copy' }).click();
  await page.getByRole('button', { name: 'Copied' }).waitFor();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(
    `${'fine\n'.repeat(300)}Error: no route\n${'more\n'.repeat(300)}`,
  );
});

it('says that nothing is heard of a run that should have ended, until something is', async () => {
  await using opened = await openPage(browser, {
    prepare(agent) {
      agent.jobs = agent.jobs.map((job) => ({ ...job, timeout_secs: 30 }));
    },
  });
  const { page, server } = opened;
  const started_at = new Date(Date.now() - 3_600_000).toISOString();
  const push = (rest: object) =>
    server.agent.push(server.board, { run_id: 'r1', job_id: 'disk-report', status: 'running', started_at, ...rest });
  push({ stdout_chunk: 'begun\n' });
  await page.getByText('No answer').waitFor();
  push({ status: 'completed', exit_code: 0, stdout_chunk: 'begun\nended\n' });
  await page.getByText('No answer').waitFor({ state: 'detached' });
  await page.locator('#run-r1').getByText('Done', { exact: true }).waitFor();
});

it('stops nothing and counts nothing while the agent is away', async () => {
  await using opened = await openPage(browser);
  const { page, server } = opened;
  server.agent.push(server.board, { run_id: 'r1', job_id: 'disk-report', status: 'running' });
  const stop = page.getByRole('button', { name: 'Stop Disk report' });
  await stop.waitFor();
  server.agent.lose(server.board, 'gone');
  await page.getByRole('heading', { name: 'The agent does not answer' }).waitFor();
  expect(await stop.getAttribute('aria-disabled')).toBe('true');
  await stop.click({ force: true });
  expect(server.agent.calls).toEqual([]);
  server.agent.connect(server.board);
  await page.locator('[aria-label="Stop Disk report"][aria-disabled="false"]').waitFor();
});

it('saves all of an output from the disk of the machine, and where that cannot be had what is kept, which says so', async () => {
  await using opened = await openPage(browser);
  const { page, server } = opened;
  const stdout = 'a line of many\n'.repeat(40_000);
  server.agent.outputs = { 'r1/stdout': stdout, 'r1/stderr': 'and an error\n' };
  const job_id = 'disk-report';
  server.agent.push(server.board, { run_id: 'r1', job_id, status: 'running', stdout_chunk: 'the end\n' });
  const cut = { stdout_chunk: 'the end\n', stdout_from: 1234 };
  server.agent.push(server.board, { run_id: 'r2', job_id, status: 'running', ...cut });
  const saved = async (run: string): Promise<string> => {
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.locator(`#run-${run}`).getByRole('button', { name: 'Download' }).click(),
    ]);
    return readFile(await download.path(), 'utf8');
  };
  expect(await saved('r1')).toBe(`${stdout}and an error\n`);
  expect(await saved('r2')).toBe('[1,234 earlier characters are not kept here.]\nthe end\n');
});
