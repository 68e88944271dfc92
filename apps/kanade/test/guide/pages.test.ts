/** Every command of the guide works as it stands, and what a page shows is what is printed. */
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { eventually, newestNatsServer, startNatsServer, tempDir } from '@kanade/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startAgent } from '../agent.ts';
import { answer } from '../program.ts';
import { openSigner } from '../signed-release.ts';
import { checkout, faultsOfPage, type Surroundings } from './run-page.ts';

const read = (path: string): string => readFileSync(`${checkout}${path}`, 'utf8');

/** Pages that a suite of their own tries, because they need more than a shell: a browser, a desktop, a whole machine. It names them. */
const elsewhere = globSync('{apps,packages,tools}/**/test/**/*.test.ts', {
  cwd: checkout,
  exclude: ['**/node_modules'],
})
  .filter((path) => !path.includes('test/guide/'))
  .flatMap((path) => [...read(path).matchAll(/guide\/[\w-]+\.md/g)].map(([page]) => `docs/${page}`));

const pages = globSync(['README.md', 'docs/*.md', 'docs/guide/*.md'], { cwd: checkout })
  .filter((page) => /^```(sh|console)$/m.test(read(page)) && page !== 'docs/cli.md' && !elsewhere.includes(page))
  .sort();

let around: Surroundings;
const open = new AsyncDisposableStack();

beforeAll(async () => {
  const server = await newestNatsServer();
  const broker = open.use(await startNatsServer(server));
  const env = { KANADE_NATS_URL: broker.url };
  await answer(['fleet', 'setup'], { env });
  // So that who listens for heartbeats need not listen long; settings of one machine win over those that a page makes.
  await answer(['fleet', 'config', 'set', 'heartbeat_interval', '1s', '--pc', 'pc-042'], { env });
  const agent = open.use(await startAgent({ id: 'pc-042', args: ['--server', broker.url, '--log-level', 'info'] }));
  const { path: dir } = open.use(await tempDir());
  const signer = openSigner(dir);
  writeFileSync(`${dir}/program`, 'a program');
  const release = signer.sign('1.4.0', { path: `${dir}/program`, platform: 'linux-x86_64' });
  const releases = { SIGNED_RELEASE: dirname(release), RELEASE_KEYS: signer.keysFile };
  around = { natsServer: server.path, env: { ...env, ...releases, KANADE_SOCKET: agent.socket } };
  await eventually('pc-042 answers', async () => (await answer(['fleet', 'ping', 'pc-042'], { env })).ok === true);
});
afterAll(() => open.disposeAsync());

// One after the other: they share a broker, and two that put one job at one time are told so.
it.each(pages)('%s', async (page) => {
  expect((await faultsOfPage(page, around)).join('\n')).toBe('');
});
