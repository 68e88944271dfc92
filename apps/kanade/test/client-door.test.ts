import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { type Browser, eventually, launchBrowser, type Page, tempDir } from '@kanade/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startAgent, startClient } from './agent.ts';
import { call } from './program.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser?.close());

/** Where the pictures of the README are kept; they are taken anew only when somebody asks for it. */
const images = process.env.KANADE_TAKE_PICTURES
  ? fileURLToPath(new URL('../../../docs/images/', import.meta.url))
  : undefined;

async function picture(page: Page, name: string): Promise<void> {
  if (images) await page.screenshot({ path: `${images}${name}.png` });
}

async function openPage(address: string): Promise<Page> {
  const context = await browser.newContext({
    locale: 'en-US',
    viewport: { width: 1100, height: 900 },
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  await page.goto(address);
  return page;
}

/** Pids of processes whose command line has the text in it. */
const processesWith = (text: string): string[] =>
  readdirSync('/proc').filter((name) => /^\d+$/.test(name) && commandLine(name).includes(text));

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return ''; // it ended while we looked
  }
}

describe('catalogue door', () => {
  it('shows the jobs in their categories, runs one after a question, with its output and its end', async () => {
    await using agent = await startAgent();
    await using client = await startClient(agent.socket);
    const page = await openPage(client.address);
    await page.getByRole('navigation').getByRole('link', { name: 'Reports' }).click();
    await page.getByRole('button', { name: 'Run Disk report', exact: true }).waitFor();
    await picture(page, 'catalogue');
    await page.getByRole('button', { name: 'Run Disk report', exact: true }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Run' }).click();
    const runs = page.getByRole('complementary', { name: 'Runs' });
    await runs.getByText('Done', { exact: true }).waitFor();
    expect(await runs.locator('pre').first().textContent()).toContain('File system');
    await runs.locator('pre').first().scrollIntoViewIfNeeded();
    await picture(page, 'run-ended');
    await page.context().close();
  });

  it('Stop ends the whole tree of a running job', async () => {
    await using dir = await tempDir();
    const marker = `kanade-tree-${process.pid}-${Date.now()}`;
    const script = `echo started; sh -c ': ${marker}; sleep 300' & sh -c ': ${marker}; sleep 301' & wait`;
    mkdirSync(`${dir.path}/jobs`);
    writeFileSync(
      `${dir.path}/jobs/tree.yaml`,
      `id: tree\nversion: 1.0.0\nexecute:\n  shell: sh\n  timeout: 5m\n  script: ${JSON.stringify(script)}\nclient:\n  name: Growing tree\n  category: troubleshoot\n  confirm: false\n`,
    );
    await using agent = await startAgent({ jobs: `${dir.path}/jobs` });
    await using client = await startClient(agent.socket);
    const page = await openPage(client.address);
    await page.getByRole('navigation').getByRole('link', { name: 'Troubleshooting' }).click();
    await page.getByRole('button', { name: 'Run Growing tree' }).click();
    await page.getByText('started').first().waitFor();
    await eventually('the tree has grown', () => processesWith(marker).length > 1);
    await picture(page, 'run-live');
    await page.getByRole('button', { name: 'Stop Growing tree' }).click();
    await page.getByRole('complementary', { name: 'Runs' }).getByText('Stopped', { exact: true }).waitFor();
    await eventually('the whole tree is gone', () => processesWith(marker).length === 0);
    await page.context().close();
  });

  it('a job whose shell is missing says so', async () => {
    await using dir = await tempDir();
    mkdirSync(`${dir.path}/jobs`);
    writeFileSync(
      `${dir.path}/jobs/report.yaml`,
      'id: report\nversion: 1.0.0\nexecute:\n  shell: pwsh\n  timeout: 1m\n  script: Get-Volume\nclient:\n  name: Volumes\n  category: troubleshoot\n',
    );
    await using agent = await startAgent({ jobs: `${dir.path}/jobs` });
    await using client = await startClient(agent.socket);
    const page = await openPage(client.address);
    await page.getByRole('navigation').getByRole('link', { name: 'Troubleshooting' }).click();
    await page.getByRole('button', { name: 'Run Volumes' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Run' }).click();
    await page
      .getByText(/pwsh is not installed/)
      .first()
      .waitFor();
    await page.context().close();
  });
});

describe('page server', () => {
  it.each([
    ['no token', {}, '/api/jobs'],
    ['a wrong token', { authorization: 'Bearer nope' }, '/api/jobs'],
    ['a foreign Origin', { origin: 'https://example.org' }, '/'],
    ['a foreign Host', { host: 'example.org' }, '/'],
  ])('answers %s with 403', async (_name, headers, path) => {
    await using agent = await startAgent();
    await using client = await startClient(agent.socket);
    const { port } = new URL(client.address);
    const { status } = await rawGet(Number(port), path, headers);
    expect(status).toBe(403);
  });
});

/** fetch() would not let us lie about the Host. */
async function rawGet(port: number, path: string, headers: Record<string, string>): Promise<{ status: number }> {
  const { request } = await import('node:http');
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path, headers }, (response) => {
      response.resume();
      resolve({ status: response.statusCode ?? 0 });
    })
      .on('error', reject)
      .end();
  });
}

describe('what cannot start', () => {
  it('an agent on a socket that another one serves', async () => {
    await using agent = await startAgent();
    await using dir = await tempDir();
    const { status, stdout, stderr } = await call([
      'agent',
      '--data-dir',
      `${dir.path}/d`,
      '--socket',
      agent.socket,
      '--allow-own-user',
    ]);
    expect([status, stdout]).toEqual([3, '']);
    expect(stderr).toContain(agent.socket);
  });

  it('a Client App on a port that is taken', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as { port: number };
    const { status, stdout, stderr } = await call(['client', '--port', String(port), '--socket', '/nowhere']);
    taken.close();
    expect([status, stdout]).toEqual([3, '']);
    expect(stderr).toContain(String(port));
  });

  it.each([[['agent', '--bogus']], [['client', '--bogus']], [['client', '--port', '70000']]])(
    '%j exits 2 with empty stdout',
    async (args) => {
      const { status, stdout, stderr } = await call(args);
      expect([status, stdout]).toEqual([2, '']);
      expect(stderr).not.toBe('');
    },
  );
});
