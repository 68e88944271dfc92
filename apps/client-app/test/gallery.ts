import type { Check, LocalNotification, UserInvokableJob } from '@kanade/shared/local';
import type { Page } from 'playwright-core';
import { exampleJobs, type MemoryAgent } from './memory-agent.ts';
import type { PageUnderTest } from './page-under-test.ts';

/** One state of the page that people meet, and how to get there. */
export interface GalleryState {
  readonly name: string;
  /** Sets up the agent; `alone`: there is none. */
  readonly agent?: (agent: MemoryAgent) => void;
  readonly isAlone?: boolean;
  /** Fragment of the view. */
  readonly hash?: string;
  /** Goes on from there, and waits until the state is drawn. */
  readonly go?: (page: Page, server: PageUnderTest) => Promise<void>;
  /** It stands in the documentation. */
  readonly isPictured?: boolean;
}

const hours = (count: number): string => new Date(Date.now() + count * 3_600_000).toISOString();

const checks: readonly Check[] = [
  { name: 'disk', label: 'Disk space', status: 'ok', detail: '61 % of / is free' },
  {
    name: 'updates',
    label: 'Security updates',
    status: 'warn',
    detail: '3 updates wait',
    troubleshoot: 'package-updates',
  },
  { name: 'vpn', label: 'VPN', status: 'fail', detail: 'No route to the office', troubleshoot: 'network-check' },
  { name: 'backup', label: 'Backup', status: 'unknown' },
];

const notices = (): readonly LocalNotification[] => [
  {
    id: 'storm',
    priority: 'emergency',
    require_ack: true,
    title: 'The office closes at 15:00 today',
    body: '# Storm\n\nPlease **leave** before *15:00*.\n\n1. take your laptop\n2. see the [timetable](https://example.org/t)\n\n> Stay safe.\n\n| Line | Last train |\n|---|---|\n| 1 | 15:20 |\n\n```\nnmcli radio wifi\n```\n',
    issued_at: hours(-1),
    issued_by: 'IT desk',
  },
  {
    id: 'password',
    priority: 'warn',
    title: 'Your password expires soon',
    body: 'Change it.',
    issued_at: hours(-5),
    expires_at: hours(70),
  },
  {
    id: 'printer',
    priority: 'info',
    title: 'New printer on floor 3',
    body: 'See `printers`.',
    issued_at: hours(-48),
    acked_at: hours(-40),
  },
];

const manyJobs: readonly UserInvokableJob[] = Array.from({ length: 500 }, (_, index) => ({
  id: `job-${index}`,
  display_name: `Report number ${index}`,
  display_description: 'One of very many.',
  category: 'catalog',
  version: '1.0.0',
}));

const full = (agent: MemoryAgent): void => {
  agent.offers = { notifications: true, support: true, log: true, diagnostics: true };
  agent.diagnostics = { 'doctor.json': '{ "findings": [] }\n', 'agent.log': '' };
  agent.notices = notices();
  agent.snapshot = { ...agent.snapshot, online: true, checks: [...checks], target_version: '0.2.0' };
  agent.logLines = ['2026-03-01T10:00:00Z agent started', '2026-03-01T10:00:01Z connected to the broker'];
  agent.codes = { 'abc-123': { scope: 'repair', label: 'Repair tools', expires_at: hours(0.25) } };
};

const runs = async (page: Page, { agent, board }: PageUnderTest): Promise<void> => {
  const common = { job_id: 'disk-report', started_at: hours(-0.01) };
  const ended = { ...common, finished_at: hours(-0.005) };
  agent.push(board, { ...ended, run_id: 'r1', status: 'completed', exit_code: 0, stdout_chunk: 'all well\n' });
  agent.push(board, {
    ...ended,
    run_id: 'r2',
    status: 'failed',
    exit_code: 3,
    stdout_chunk: 'a\n',
    stderr_chunk: 'no route\n',
  });
  agent.push(board, { ...ended, run_id: 'r3', status: 'failed', exit_code: 121, stderr_chunk: 'outcome unknown\n' });
  agent.push(board, { ...ended, run_id: 'r4', status: 'killed', exit_code: -1 });
  agent.push(board, {
    ...common,
    run_id: 'r5',
    status: 'running',
    started_at: hours(-2),
    stdout_chunk: 'silent since\n',
  });
  agent.push(board, { run_id: 'r6', job_id: 'network-check', status: 'queued' });
  const colours = [31, 32, 33, 34, 35, 36, 37, 30, 90]
    .map((code) => `\u001b[${code}mcolour ${code}\u001b[0m`)
    .join(' ');
  agent.push(board, {
    ...common,
    run_id: 'r7',
    status: 'running',
    // What stood before it is not kept here.
    stdout_from: 300_000,
    stdout_chunk: `${colours}\n${'x'.repeat(2_000)}\nend\n`,
  });
  await page.locator('#run-r7').getByText('end').waitFor();
};

export const gallery: readonly GalleryState[] = [
  { name: 'home', agent: full, go: runs },
  { name: 'home-calm', agent: full, isPictured: true },
  {
    name: 'home-empty',
    agent: (agent) => {
      agent.jobs = [];
    },
  },
  { name: 'loading', isAlone: true },
  {
    name: 'away',
    go: (page, { agent, board }) => {
      agent.lose(board, 'dial: nothing is there');
      return page.locator('.obstacle.away').waitFor();
    },
  },
  {
    name: 'away-from-start',
    isAlone: true,
    go: (page, { agent, board }) => {
      agent.lose(board, 'dial: nothing is there');
      return page.locator('.obstacle.away').waitFor();
    },
  },
  {
    name: 'refused',
    go: (page, { agent, board }) => {
      agent.tell(board, { type: 'connection', connection: { phase: 'refused', detail: 'not welcome' } });
      return page.locator('.obstacle.refused').waitFor();
    },
  },
  {
    name: 'gone',
    go: async (page, server) => {
      await server[Symbol.asyncDispose]();
      await page.locator('.obstacle.gone').waitFor();
    },
  },
  {
    name: 'locked',
    go: async (page) => {
      await page.evaluate(() => localStorage.clear());
      await page.reload();
      await page.locator('.obstacle.locked').waitFor();
    },
  },
  { name: 'health', agent: full, hash: '#/health', isPictured: true },
  { name: 'health-empty', hash: '#/health' },
  {
    name: 'notifications',
    agent: full,
    hash: '#notification=storm',
    go: (page) => page.locator('.notice-body').waitFor(),
    isPictured: true,
  },
  {
    name: 'notifications-empty',
    agent: (agent) => {
      agent.offers = { ...agent.offers, notifications: true };
    },
    hash: '#/notifications',
  },
  { name: 'category', agent: full, hash: '#/category/troubleshoot', go: runs },
  { name: 'category-calm', agent: full, hash: '#/category/troubleshoot', isPictured: true },
  {
    name: 'category-aged',
    agent: (agent) => {
      full(agent);
      agent.snapshot = { ...agent.snapshot, online: false };
      agent.age = { offline: true, as_of: hours(-3) };
    },
    hash: '#/category/troubleshoot',
    go: (page) => page.locator('.age').waitFor(),
    isPictured: true,
  },
  {
    name: 'home-aged',
    agent: (agent) => {
      agent.age = { offline: true, as_of: hours(-60) };
    },
    go: (page) => page.getByText(/work all the same|実行できます/).waitFor(),
  },
  {
    name: 'search-unheard',
    agent: (agent) => {
      agent.age = { offline: true };
    },
    go: async (page) => {
      await page.getByRole('searchbox').fill('disk');
      await page.locator('.age').waitFor();
    },
  },
  {
    name: 'category-500',
    agent: (agent) => {
      agent.jobs = manyJobs;
    },
    hash: '#/category/catalog',
  },
  { name: 'confirm', agent: full, hash: '#job=clear-thumbnails', go: (page) => page.getByRole('dialog').waitFor() },
  {
    name: 'search',
    agent: (agent) => {
      full(agent);
      agent.jobs = [...exampleJobs, ...manyJobs.slice(0, 40)];
    },
    go: async (page) => {
      await page.getByRole('searchbox').fill('report');
      await page.locator('.job').first().waitFor();
    },
    isPictured: true,
  },
  {
    name: 'search-nothing',
    go: async (page) => {
      await page.getByRole('searchbox').fill('zzzz');
      await page.locator('main .nothing').waitFor();
    },
  },
  {
    name: 'support',
    agent: full,
    hash: '#/support',
    go: async (page) => {
      await page.locator('#support-code').fill('abc-123');
      await page.locator('#support-code').press('Enter');
      await page.locator('.grants').waitFor();
      await page.locator('.log').waitFor();
    },
    isPictured: true,
  },
  {
    name: 'support-wrong',
    agent: full,
    hash: '#/support',
    go: async (page) => {
      await page.locator('#support-code').fill('nonsense');
      await page.locator('#support-code').press('Enter');
      await page.locator('.field-failure').waitFor();
    },
  },
  {
    name: 'diagnostics',
    agent: full,
    hash: '#/support',
    go: async (page) => {
      await page.locator('#diagnostics-summary').fill('The printer is silent');
      await page.locator('#diagnostics-summary').press('Enter');
      await page.locator('.parts summary').first().click();
      await page.locator('.parts .log').first().waitFor();
    },
    isPictured: true,
  },
  {
    name: 'diagnostics-kept',
    agent: (agent) => {
      full(agent);
      agent.sending = 'queued';
    },
    hash: '#/support',
    go: async (page) => {
      await page.locator('#diagnostics-contact').press('Enter');
      await page.locator('.shown .strong').click();
      await page.locator('.sent').waitFor();
    },
  },
  { name: 'failure', hash: '#job=nowhere', go: (page) => page.locator('.failure').waitFor() },
];

/** Opens a state in a page that may be reused, by the address that the server printed. */
export async function showState(state: GalleryState, page: Page, server: PageUnderTest, lang: string): Promise<void> {
  await page.goto(`${server.origin}/?lang=${lang}#token=${server.token}${state.hash ? `&${state.hash.slice(1)}` : ''}`);
  // Before there is a catalogue there is no view; what stands there then is looked at as a state of its own.
  await page.locator(state.isAlone ? '.obstacle.loading' : '#view-title').waitFor();
  await state.go?.(page, server);
}
