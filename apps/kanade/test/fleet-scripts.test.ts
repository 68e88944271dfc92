/** A script of the object store from far end to far end: stored, named by a job, ordered, and clicked while the broker is away. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { eventually, launchBrowser, newestNatsServer, startNatsServer, tempDir } from '@kanade/testkit';
import { expect, it } from 'vitest';
import { startAgent, startClient } from './agent.ts';
import { answer } from './program.ts';

const { path: server } = await newestNatsServer();

it('a script is stored, named by a job, ordered, and clicked without a broker', async () => {
  await using parts = new AsyncDisposableStack();
  const { path: dir } = parts.use(await tempDir());
  const broker = parts.use(await startNatsServer({ path: server }));
  const fleet = (...args: string[]) => answer(['fleet', ...args], { env: { KANADE_NATS_URL: broker.url } });
  await fleet('setup');
  mkdirSync(`${dir}/jobs`);
  const args = ['--server', broker.url, '--log-level', 'info'];
  const agent = parts.use(await startAgent({ jobs: `${dir}/jobs`, args }));

  writeFileSync(`${dir}/hello.sh`, `# ${'x'.repeat(200_000)}\necho "hello from a store"\n`);
  const put = ['script', 'put', 'hello', '1.0.0', `${dir}/hello.sh`];
  expect(await fleet(...put)).toMatchObject({ ok: true, script: 'hello/1.0.0', before: 'nothing', jobs: [] });
  expect(await fleet(...put)).toMatchObject({ ok: true, before: 'the same' });
  const execute = 'execute: { shell: sh, timeout: 1m, script_object: hello/1.0.0 }';
  const client = 'client: { name: Say hello, category: troubleshoot, confirm: false }';
  writeFileSync(`${dir}/hello.yaml`, `id: hello\nversion: 1.0.0\n${execute}\n${client}\n`);
  expect(await fleet('job', 'put', `${dir}/hello.yaml`)).toMatchObject({ ok: true });
  // Nobody has ordered it yet: it is there for who clicks.
  await eventually('the script is there', () => agent.text.stderr.includes('fetched a script'));
  const order = ['exec', 'hello', '--pc', 'pc-1', '--wait'];
  const ran = { pc_id: 'pc-1', exit_code: 0, stdout: 'hello from a store\n' };
  expect(await fleet(...order)).toMatchObject({ ok: true, results: [ran] });

  const app = parts.use(await startClient(agent.socket));
  await broker.stop();
  const browser = await launchBrowser();
  parts.defer(() => browser.close());
  const page = await browser.newPage({ locale: 'en-US' });
  await page.goto(app.address);
  await page.getByRole('navigation').getByRole('link', { name: 'Troubleshooting' }).click();
  await page.getByRole('button', { name: 'Run Say hello' }).click();
  const runs = page.getByRole('complementary', { name: 'Runs' });
  await runs.getByText('Done', { exact: true }).waitFor();
  expect(await runs.locator('pre').first().textContent()).toContain('hello from a store');
  await broker.restart();

  writeFileSync(`${dir}/hello.sh`, 'echo other\n');
  expect(await fleet(...put)).toMatchObject({ ok: false, error: { code: 'script_exists' } });
  expect(await fleet(...put, '--replace')).toMatchObject({ ok: true, before: 'another', jobs: ['hello'] });
  expect(await fleet(...order)).toMatchObject({ results: [{ stdout: 'other\n' }] });
  expect(await fleet('script', 'list')).toMatchObject({ scripts: [{ script: 'hello/1.0.0', jobs: ['hello'] }] });
  expect(await fleet('script', 'remove', 'hello/1.0.0')).toMatchObject({ ok: true, jobs: ['hello'] });
  expect(await fleet(...order)).toMatchObject({ ok: false, error: { code: 'script_not_found' } });
  writeFileSync(`${dir}/hello.sh`, Buffer.from([0x65, 0xff]));
  expect(await fleet(...put)).toMatchObject({ ok: false, error: { code: 'script_invalid' } });
  expect(await fleet('script', 'put', '..', '1', `${dir}/hello.sh`)).toMatchObject({ error: { code: 'invalid_id' } });
  writeFileSync(`${dir}/hello.sh`, Buffer.alloc(4 * 1_048_576 + 1, '#'));
  expect(await fleet(...put)).toMatchObject({ ok: false, error: { code: 'file_unreadable' } });
  const { records } = await fleet('audit');
  const did = (records as { action: string }[]).map(({ action }) => action);
  expect(did.filter((action) => action.startsWith('script.')).sort()).toEqual([
    'script.put',
    'script.put',
    'script.put',
    'script.remove',
  ]);
});
