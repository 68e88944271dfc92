import type { UserInvokableJob } from '@kanade/shared/local';
import { launchBrowser } from '@kanade/testkit';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openPage } from './open-page.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

/** What would run, load or leave, if any of it were read as anything but text. Each would call `attacked`. */
const corpus = [
  '<script>attacked(1)</script>',
  '<img src=x onerror=attacked(2)>',
  '<svg/onload=attacked(3)>',
  '"><script>attacked(4)</script>',
  "' onmouseover=attacked(5) x='",
  '<iframe srcdoc="<script>parent.attacked(6)</script>"></iframe>',
  '<a href="javascript:attacked(7)">x</a>',
  '[x](javascript:attacked(8))',
  '[x]( javascript:attacked(8))',
  '[x](java\tscript:attacked(9))',
  '[x](&#106;avascript:attacked(10))',
  '[x](data:text/html;base64,PHNjcmlwdD5hdHRhY2tlZCgxMSk8L3NjcmlwdD4=)',
  '![x](javascript:attacked(12))',
  '![x](https://attacker.example/pixel.png)',
  '<javascript:attacked(13)>',
  '[x]: javascript:attacked(14)\n\n[x]',
  '`<img src=x onerror=attacked(15)>`',
  '<style>@import "https://attacker.example/x.css";</style>',
  '<base href="https://attacker.example/">',
  '<meta http-equiv="refresh" content="0; url=https://attacker.example/">',
  '<form action="https://attacker.example/"><button>ok</button></form>',
  '<object data="javascript:attacked(16)"></object>',
  '{{constructor.constructor("attacked(17)")()}}',
  '\x24{attacked(18)}',
  '\u202egnp.exe\u0000\u001b]8;;javascript:attacked(19)\u0007x\u001b]8;;\u0007',
  '__proto__',
  'constructor',
] as const;

const icons = [
  'javascript:attacked(20)',
  'data:text/html;base64,PHNjcmlwdD5hdHRhY2tlZCgyMSk8L3NjcmlwdD4=',
  'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIG9ubG9hZD0iYXR0YWNrZWQoMjIpIj48c2NyaXB0PmF0dGFja2VkKDIzKTwvc2NyaXB0Pjwvc3ZnPg==',
  'https://attacker.example/icon.png',
  'x" onerror="attacked(24)',
];

const attacking = (text: string, index: number): UserInvokableJob => ({
  id: `job-${index}`,
  display_name: text,
  display_description: text,
  icon: icons[index % icons.length],
  category: 'catalog',
  category_label: text,
  category_icon: icons[index % icons.length],
  version: text,
  confirm: { enabled: true, message: text },
  unlock: text,
});

it('no text of a job, check, notification, run, log or machine becomes anything but text', async () => {
  const jobs = corpus.map(attacking);
  await using opened = await openPage(browser, {
    prepare(agent) {
      agent.offers = { notifications: true, support: true, log: true, diagnostics: true };
      agent.jobs = jobs.map(({ unlock: _, ...job }) => job);
      agent.logLines = corpus;
      agent.diagnostics = Object.fromEntries(corpus.map((text) => [text, text]));
      agent.notices = corpus.map((text, index) => ({
        id: `n${index}`,
        priority: 'info',
        title: text,
        body: `${text}\n\n> ${text}\n\n- ${text}\n\n| a | b |\n|---|---|\n| ${text} | b |\n\n[${text}](https://example.org/)`,
        issued_at: '2026-03-01T10:00:00Z',
        issued_by: text,
      }));
      agent.snapshot = {
        ...agent.snapshot,
        target_version: corpus[0],
        checks: corpus.map((text, index) => ({
          name: `c${index}`,
          label: text,
          status: 'fail',
          detail: text,
          troubleshoot: `job-${index}`,
        })),
      };
    },
  });
  const { page, server } = opened;
  const requests: string[] = [];
  page.on('request', (request) => requests.push(request.url()));
  await page.evaluate(() => {
    Object.assign(globalThis, {
      attacks: [] as unknown[],
      attacked: (it: unknown) => Reflect.get(globalThis, 'attacks').push(it),
    });
  });
  const go = async (hash: string, title: string): Promise<void> => {
    await page.evaluate((to) => location.assign(to), hash);
    await page.locator('#view-title', { hasText: title }).waitFor();
  };
  const whole = corpus.join('\n');
  for (const status of ['running', 'failed'] as const) {
    const progress = { run_id: `run-${status}`, job_id: corpus[0], status, stdout_chunk: whole, stderr_chunk: whole };
    server.agent.push(server.board, progress);
  }
  await page.locator('#run-run-failed pre').first().waitFor();
  await go('#/health', 'Device health');
  await go('#/category/catalog', corpus[0]);
  await page.getByRole('button', { name: `Run ${corpus[1]}`, exact: true }).click();
  await page.getByRole('dialog').getByText(corpus[1]).first().waitFor();
  await page.keyboard.press('Escape');
  await go('#/support', 'Support');
  await page.locator('.log').waitFor();
  await page.getByRole('button', { name: 'Show what would be sent' }).click();
  await page.locator('.parts summary').last().waitFor();
  for (const file of await page.locator('.parts summary').all()) await file.click();
  await page.locator('.parts .log').last().waitFor();
  await go('#/notifications', 'Notifications');
  await page
    .locator('.notice-head')
    .nth(corpus.length - 1)
    .waitFor();
  for (const head of await page.locator('.notice-head').all()) await head.click();
  await page
    .locator('.notice-body')
    .nth(corpus.length - 1)
    .waitFor();

  const found = await page.evaluate(() => ({
    attacks: Reflect.get(globalThis, 'attacks'),
    elements: document.querySelectorAll(
      'main :is(script, iframe, object, embed, form, base, meta, style), [onerror], [onload], [onmouseover]',
    ).length,
    links: [...document.querySelectorAll<HTMLAnchorElement>('.markdown a')]
      .filter(
        (link) => !/^https?:\/\//.test(link.href) || link.rel !== 'noopener noreferrer' || link.target !== '_blank',
      )
      .map(({ href }) => href),
    images: [...document.images].filter(({ src }) => !src.startsWith('data:image/')).length,
  }));
  expect(found).toEqual({ attacks: [], elements: 0, links: [], images: 0 });
  expect(requests.filter((url) => !url.startsWith(server.origin) && !url.startsWith('data:'))).toEqual([]);
  expect(page.url().startsWith(server.origin)).toBe(true);
  expect(opened.complaints).toEqual([]);
});
