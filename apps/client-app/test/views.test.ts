import type { Check, LocalNotification } from '@kanade/shared/local';
import { eventually, launchBrowser } from '@kanade/testkit';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MemoryAgent } from './memory-agent.ts';
import { openPage } from './open-page.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

const view = (page: Page, name: string) => page.getByRole('navigation', { name: 'Views' }).getByRole('link', { name });
const isFocused = (element: Element): boolean => element === document.activeElement;

const checks: readonly Check[] = [
  { name: 'disk', label: 'Disk space', status: 'ok', detail: '61 % free' },
  { name: 'vpn', label: 'VPN', status: 'fail', detail: 'No route', troubleshoot: 'network-check' },
  { name: 'patches', status: 'warn', troubleshoot: 'not-offered' },
  { name: 'inner', label: 'Hidden one', status: 'fail', health_hidden: true },
];

describe('device health', () => {
  const unwell = (agent: MemoryAgent): void => {
    agent.snapshot = { ...agent.snapshot, checks: [...checks], target_version: '0.2.0' };
  };

  it('says the worst first, counts, skips what is hidden, and knows an update that waits', async () => {
    await using opened = await openPage(browser, { prepare: unwell });
    const { page } = opened;
    await page.getByRole('link', { name: 'Device health Something is wrong' }).click();
    await page.getByRole('heading', { name: 'Device health', level: 2 }).waitFor();
    // Title and focus follow once the view was painted.
    await eventually('its title', async () => (await page.title()) === 'Device health · Device Assistant');
    await eventually('its focus', () => page.locator('#content').evaluate(isFocused));
    expect(await page.locator('.check h3').allInnerTexts()).toEqual(['VPN', 'patches', 'Disk space']);
    expect(await page.locator('.chip').allInnerTexts()).toEqual(['Problem 1', 'Attention 1', 'OK 1']);
    expect(await page.getByText('Version 0.2.0 starts').isVisible()).toBe(true);
    expect(opened.complaints).toEqual([]);
  });

  it('runs the job that repairs, where it is offered', async () => {
    await using opened = await openPage(browser, { prepare: unwell });
    const { page, server } = opened;
    await page.goto(`${server.origin}/#/health`);
    const repair = page.getByRole('button', { name: 'Repair: Network check' });
    await repair.waitFor();
    expect(await page.getByRole('button', { name: /^Repair/ }).count()).toBe(1);
    await repair.click();
    await page.getByRole('button', { name: 'Show Network check' }).waitFor();
    expect(server.agent.calls).toEqual(['execute network-check']);
  });

  it('follows what the agent pushes, and no checks are not good news', async () => {
    await using opened = await openPage(browser, { prepare: unwell });
    const { page, server } = opened;
    const { agent, board } = server;
    const tell = (next: readonly Check[]) =>
      agent.tell(board, { type: 'snapshot', snapshot: { ...agent.snapshot, checks: [...next] } });
    await page.getByText('Something is wrong').waitFor();
    tell(checks.slice(0, 1));
    await page.getByText('Everything is fine').waitFor();
    tell([]);
    await page.getByText('No checks have reported yet').waitFor();
  });
});

const storm: LocalNotification = {
  id: 'storm',
  priority: 'emergency',
  require_ack: true,
  title: 'Storm warning',
  body: 'Please **leave** early. [Timetable](https://example.org/t)',
  issued_at: '2026-03-02T10:00:00Z',
};
const printer: LocalNotification = {
  id: 'printer',
  priority: 'info',
  title: 'New printer',
  body: 'Floor 3.',
  issued_at: '2026-03-01T10:00:00Z',
};

describe('notifications', () => {
  const informed = (agent: MemoryAgent): void => {
    agent.offers = { ...agent.offers, notifications: true };
    agent.notices = [printer, storm];
  };
  const head = (page: Page, title: string) => page.getByRole('button', { name: title });

  it('are read by opening them, and confirmed only when opened', async () => {
    await using opened = await openPage(browser, { prepare: informed });
    const { page, server } = opened;
    await view(page, 'Notifications 2 unread').click();
    expect(await page.locator('.notice-title').allInnerTexts()).toEqual(['Storm warning', 'New printer']);
    expect(await page.getByRole('button', { name: 'Confirm', exact: true }).count()).toBe(0);
    await head(page, 'New printer').click();
    await page.getByText('Floor 3.').waitFor();
    await view(page, 'Notifications 1 unread').waitFor();
    expect(server.agent.calls).toEqual(['ack printer']);

    await head(page, 'Storm warning').press('Enter');
    const link = page.getByRole('link', { name: 'Timetable' });
    expect(await link.getAttribute('rel')).toBe('noopener noreferrer');
    expect(await link.getAttribute('target')).toBe('_blank');
    await page.getByRole('button', { name: 'Confirm', exact: true }).click();
    await page.getByRole('button', { name: 'Withdraw confirmation' }).click();
    await page.getByRole('button', { name: 'Confirm', exact: true }).waitFor();
    expect(server.agent.calls).toEqual(['ack printer', 'ack storm', 'unack storm']);
    expect(opened.complaints).toEqual([]);
  });

  it('come, change, go back to unread, are recalled and expire while the page is open', async () => {
    await using opened = await openPage(browser, { prepare: informed, link: '&notification=storm' });
    const { page, server } = opened;
    const { agent, board } = server;
    await page.getByRole('button', { name: 'Confirm', exact: true }).click();
    await page.getByRole('button', { name: 'Withdraw confirmation' }).waitFor();
    agent.tell(board, { type: 'notice', notice: { ...storm, body: 'Calm again.' } });
    await page.getByText('Calm again.').waitFor();
    await page.getByRole('button', { name: 'Withdraw confirmation' }).waitFor();
    const resetAt = new Date(Date.now() + 60_000).toISOString();
    agent.tell(board, { type: 'notice', notice: { ...storm, title: 'Worse storm', acks_reset_at: resetAt } });
    await head(page, 'Worse storm New').waitFor();
    expect(await page.getByRole('button', { name: 'Confirm', exact: true }).count()).toBe(0);
    agent.tell(board, { type: 'recalled', id: 'printer' });
    await head(page, 'New printer').waitFor({ state: 'detached' });
    const expires_at = new Date(Date.now() + 300).toISOString();
    agent.tell(board, { type: 'notice', notice: { ...storm, id: 'soon', title: 'Gone soon', expires_at } });
    await head(page, 'Gone soon').waitFor({ state: 'detached' });
    agent.tell(board, { type: 'recalled', id: 'storm' });
    await page.getByRole('heading', { name: 'No notifications' }).waitFor();
    const lift = { ...printer, id: 'lift', title: 'New lift' };
    agent.notices = [lift];
    agent.tell(board, { type: 'notice', notice: lift });
    await head(page, 'New lift').waitFor();
    agent.lose(board, 'gone');
    await page.getByRole('heading', { name: 'The agent does not answer' }).waitFor();
    await head(page, 'New lift').click();
    await page.getByText('Floor 3.').waitFor();
    agent.connect(board);
    await page.locator('.notice.unread').waitFor({ state: 'detached' });
    expect(agent.calls.at(-1)).toBe('ack lift');
  });

  it('say so when a link leads to one that is gone', async () => {
    await using opened = await openPage(browser, { prepare: informed, link: '&notification=old' });
    await opened.page.getByText('That notification is no longer there.').waitFor();
  });

  it('have no place where the agent knows none', async () => {
    await using opened = await openPage(browser, { link: '&notification=storm' });
    await opened.page.getByRole('heading', { name: 'What would you like to do?' }).waitFor();
    expect(await view(opened.page, 'Notifications').count()).toBe(0);
  });
});

describe('search', () => {
  it('is reached by a slash, finds in all jobs, leads on by keys, and Escape leaves it', async () => {
    await using opened = await openPage(browser);
    const { page, server } = opened;
    await page.keyboard.press('/');
    await page.keyboard.type('netwrok');
    await page.getByRole('heading', { name: 'Search: “netwrok”' }).waitFor();
    expect(await page.locator('.job h3').allInnerTexts()).toEqual(['Network check']);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Show Network check' }).waitFor();
    expect(server.agent.calls).toEqual(['execute network-check']);
    const field = page.getByRole('searchbox');
    await field.fill('zzzz');
    await page.getByRole('heading', { name: 'Nothing found' }).waitFor();
    // While an input method offers words, its keys are its own.
    await field.dispatchEvent('keydown', { key: 'Escape', isComposing: true });
    expect(await field.inputValue()).toBe('zzzz');
    await page.getByRole('heading', { name: 'Nothing found' }).waitFor();
    await field.press('Escape');
    await page.getByRole('heading', { name: 'What would you like to do?' }).waitFor();
    expect(opened.complaints).toEqual([]);
  });

  it('gives way to a view that is chosen', async () => {
    await using opened = await openPage(browser);
    const { page } = opened;
    await page.getByRole('searchbox').fill('disk');
    await page.getByRole('heading', { name: 'Search: “disk”' }).waitFor();
    await view(page, 'Troubleshooting').click();
    await page.getByRole('heading', { name: 'Troubleshooting', level: 2 }).waitFor();
    expect(await page.getByRole('searchbox').inputValue()).toBe('');
  });
});

it('a job that comes while the page is open is shown', async () => {
  await using opened = await openPage(browser);
  const { agent, board } = opened.server;
  agent.jobs = [...agent.jobs, { id: 'new', display_name: 'Brand new', category: 'news', version: '1' }];
  agent.tell(board, { type: 'offered' });
  await view(opened.page, 'news').click();
  await opened.page.getByRole('heading', { name: 'Brand new' }).waitFor();
});

describe('a link to a job', () => {
  it('asks first, even where the job itself would not', async () => {
    await using opened = await openPage(browser, { link: '&job=network-check' });
    const { page, server } = opened;
    await page.getByRole('dialog', { name: 'Run “Network check”?' }).waitFor();
    expect(server.agent.calls).toEqual([]);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.goto(`${server.origin}/#job=disk-report`);
    await page.getByRole('dialog', { name: 'Run “Disk report”?' }).waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    // It stands where its job does.
    await page.getByRole('heading', { name: 'Troubleshooting', exact: true }).waitFor();
    await page.locator('.job', { hasText: 'Disk report' }).getByText('Waiting', { exact: true }).waitFor();
    expect(server.agent.calls).toEqual(['execute disk-report']);
  });

  it('is not lost in the moment in which the question before is answered', async () => {
    await using opened = await openPage(browser, { link: '&job=network-check' });
    const { page, server } = opened;
    await page.getByRole('dialog', { name: 'Run “Network check”?' }).waitFor();
    await page.evaluate(() => {
      const dialog = document.querySelector('dialog');
      const asked = { childList: true, subtree: true, characterData: true };
      new MutationObserver(() => dialog?.close('cancel')).observe(document.body, asked);
      location.hash = '#job=disk-report';
    });
    const next = page.getByRole('dialog', { name: 'Run “Disk report”?' });
    await next.waitFor();
    await next.getByRole('button', { name: 'Run' }).click();
    await page.getByText('Waiting', { exact: true }).first().waitFor();
    expect(server.agent.calls).toEqual(['execute disk-report']);
  });

  it('says so when the job is not offered', async () => {
    await using opened = await openPage(browser, { link: '&job=nowhere' });
    await opened.page.getByRole('alert').getByText('is not offered on this computer').waitFor();
  });
});

describe('support', () => {
  const supported = (agent: MemoryAgent): void => {
    agent.offers = { ...agent.offers, support: true, log: true };
    agent.logLines = ['first line', 'last line'];
    const expires_at = new Date(Date.now() + 900_000).toISOString();
    agent.codes = { 'abc-123': { scope: 'repair', label: 'Repair tools', expires_at } };
    agent.jobs = [
      ...agent.jobs,
      { id: 'deep', display_name: 'Deep repair', category: 'troubleshoot', version: '1', unlock: 'repair' },
    ];
  };

  it('opens jobs by a code, counts down, and locks them again', async () => {
    await using opened = await openPage(browser, { prepare: supported });
    const { page, server } = opened;
    await view(page, 'Support').click();
    const code = page.getByLabel('Support code');
    await code.fill('nonsense');
    await code.press('Enter');
    await page.getByText('That code is not valid.').waitFor();
    await code.fill(' abc-123 ');
    await page.getByText('That code is not valid.').waitFor({ state: 'detached' });
    // While the agent is away nothing is asked, and what was typed stays, the keyboard with it.
    server.agent.lose(server.board, 'gone');
    const away = page.getByRole('heading', { name: 'The agent does not answer' });
    await away.waitFor();
    await page.keyboard.press('Enter');
    server.agent.connect(server.board);
    await away.waitFor({ state: 'detached' });
    await page.keyboard.press('Enter');
    await page.getByRole('listitem').getByText('Repair tools').waitFor();
    await eventually('the field is empty', async () => (await code.inputValue()) === '');
    await page.getByRole('link', { name: /Support mode is on 1[45]:\d\d left/ }).waitFor();
    await view(page, 'Troubleshooting 3').click();
    await page.getByText('Opened by support code').waitFor();
    await page.getByRole('link', { name: /Support mode is on/ }).click();
    await page.getByRole('button', { name: 'Lock now' }).click();
    await view(page, 'Troubleshooting 2').waitFor();
    await page.getByText('Repair tools').waitFor({ state: 'detached' });
    expect(server.agent.calls).toEqual(['unlock', 'unlock', 'lock']);
  });

  it('shows the log, copies it and saves it', async () => {
    await using opened = await openPage(browser, {
      prepare: supported,
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    const { page } = opened;
    await view(page, 'Support').click();
    await page.getByText('last line').waitFor();
    await page.getByRole('button', { name: 'Copy', exact: true }).click();
    await page.getByRole('button', { name: 'Copied' }).waitFor();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('first line\nlast line');
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download' }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('kanade-agent-log.txt');
    expect(opened.complaints).toEqual([]);
  });

  it('shows what would be sent before it is sent, and sends that and nothing else', async () => {
    const prepare = (agent: MemoryAgent): void => {
      agent.offers = { ...agent.offers, diagnostics: true };
      agent.diagnostics = { 'agent.log': 'first line\nlast line <b>\n', 'empty.txt': '' };
    };
    await using opened = await openPage(browser, { prepare });
    const { page, server } = opened;
    await view(page, 'Support').click();
    // By the keyboard alone.
    await page.getByLabel('What is wrong?').fill('No sound');
    await page.getByLabel('How to reach you').fill('room 3');
    await page.getByLabel('How to reach you').press('Enter');
    const title = page.getByRole('heading', { name: /would be sent/ });
    await eventually('its focus', () => title.evaluate(isFocused));
    expect(server.agent.calls).toEqual(['preview {"summary":"No sound","detail":"","contact":"room 3"}']);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    expect(await page.locator('.parts .log:visible').textContent()).toBe('first line\nlast line <b>\n');
    expect(await page.locator('.parts summary').allInnerTexts()).toEqual(
      expect.arrayContaining([expect.stringMatching(/^agent\.log\s+25 byte$/)]),
    );
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Save' }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('kanade-diagnostics.txt');
    await page.getByRole('button', { name: 'Send' }).click();
    await page.getByText('It has been sent.').waitFor();
    expect(server.agent.calls.at(-1)).toBe('send p-1');
    await page.getByRole('button', { name: 'Send something else' }).click();
    expect(await page.getByLabel('What is wrong?').inputValue()).toBe('');
    expect(opened.complaints).toEqual([]);
  });

  it('says what comes next after each answer to who sends', async () => {
    const prepare = (agent: MemoryAgent): void => {
      agent.offers = { ...agent.offers, diagnostics: true };
    };
    await using opened = await openPage(browser, { prepare });
    const { page, server } = opened;
    await view(page, 'Support').click();
    await page.getByLabel('What is wrong?').fill('No sound');
    await page.getByRole('button', { name: 'Show what would be sent' }).click();
    for (const [sending, said, next] of [
      ['too_many', 'Enough has been sent for now', 'Save'],
      ['offline', 'has no management server', 'Save'],
      ['away', 'does not answer right now', 'Save'],
      ['not_found', 'too old to be sent', 'Show what would be sent'],
    ] as const) {
      server.agent.sending = sending;
      await page.getByRole('button', { name: 'Send' }).click();
      await page.getByText(said).waitFor();
      await page.getByRole('button', { name: next }).waitFor();
    }
    server.agent.sending = 'queued';
    expect(await page.getByLabel('What is wrong?').inputValue()).toBe('No sound');
    await page.getByRole('button', { name: 'Show what would be sent' }).click();
    await page.getByRole('button', { name: 'Send' }).click();
    await page.getByText('sent by itself as soon as it can be').waitFor();
  });

  it('has no place where the agent offers neither codes nor its log', async () => {
    await using opened = await openPage(browser);
    expect(await view(opened.page, 'Support').count()).toBe(0);
  });
});
