import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, tempDir } from '@kanade/testkit';
import { afterAll, expect, it, onTestFinished } from 'vitest';
import { startRegistry } from '../registry.mjs';

const registry = await startRegistry();
const home = await tempDir();
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
});

/** A package of one line, ready to be published with any client. */
function packageNamed(name: string, version = '1.0.0'): string {
  const directory = join(home.path, `${name.replace('/', '-')}-${version}`);
  mkdirSync(directory);
  writeFileSync(join(directory, 'package.json'), JSON.stringify({ name, version, exports: './index.js' }));
  writeFileSync(join(directory, 'index.js'), `module.exports = '${name} ${version}';\n`);
  writeFileSync(join(directory, '.npmrc'), registry.npmrc);
  return directory;
}

function client(program: string, args: string[], cwd: string) {
  // Whoever calls the tests with "npm test --silent" hands its silence on.
  const env = { ...process.env, npm_config_loglevel: 'notice' };
  const { status, stdout, stderr } = spawnSync(program, args, { cwd, env, encoding: 'utf8' });
  return { status, told: stdout + stderr };
}

const put = (name: string, body: unknown, authorization = `Bearer ${registry.token}`) =>
  fetch(registry.url + name, { method: 'PUT', headers: { authorization }, body: JSON.stringify(body) });

it.each([
  ['npm', ['publish'], ['npm', 'install']],
  ['pnpm', ['publish', '--no-git-checks'], ['npm', 'install']],
  ['npm', ['publish'], ['pnpm', 'add', '--config.minimum-release-age=0']],
])(
  'what %s %s publishes is what %s installs, with what others publish; a second time is refused',
  async (program, args, [installer = '', ...words]) => {
    const name = `@kanade/by-${program}-for-${installer}`;
    const source = packageNamed(name);
    expect(client(program, args, source)).toMatchObject({ status: 0 });
    const target = packageNamed('kanade', `${program}.for.${installer}`);
    writeFileSync(join(target, 'package.json'), '{}');
    expect(client(installer, [...words, name, 'tslib'], target)).toMatchObject({ status: 0 });
    const ran = client(process.execPath, ['-p', `require('${name}') + typeof require('tslib').__awaiter`], target);
    expect(ran.told).toBe(`${name} 1.0.0function\n`);
    const again = client(program, args, source);
    expect(again.status).not.toBe(0);
    expect(again.told.replaceAll(/\s*│?\s+/g, ' ')).toMatch(/already|previously/);
  },
);

it.each([
  ['the package of somebody else', 'left-pad', {}, 403, 'not ours'],
  ['a change of what is published', '@kanade/none', { name: '@kanade/none', versions: {} }, 400, 'is one version'],
  [
    'a tarball that is not what its hash says',
    '@kanade/torn',
    {
      name: '@kanade/torn',
      versions: { '1.0.0': { dist: { integrity: 'sha512-AA==' } } },
      _attachments: { 'torn.tgz': { data: 'AAAA' } },
    },
    400,
    'not what its hash says',
  ],
])('refuses to publish %s, and says why', async (_, name, body, status, reason) => {
  const answer = await put(name, body);
  expect(answer.status).toBe(status);
  expect(await answer.json()).toEqual({ error: expect.stringContaining(reason) });
  if (name.startsWith('@kanade')) expect((await fetch(registry.url + name)).status).toBe(404);
});

it('publishes nothing for who does not have its token, and takes nothing away', async () => {
  expect((await put('@kanade/none', {}, 'Bearer of-somebody')).status).toBe(401);
  const answer = await fetch(`${registry.url}@kanade%2fnone`, { method: 'DELETE' });
  expect([answer.status, await answer.json()]).toEqual([405, { error: expect.stringContaining('not carried out') }]);
});

it('asks nobody else for a name that is ours', async () => {
  const answer = await fetch(`${registry.url}kanade`);
  expect([answer.status, await answer.json()]).toEqual([404, { error: 'kanade was not published to this registry' }]);
});

it('ends with the process that started it, and leaves nothing', async () => {
  const temporary = await tempDir();
  onTestFinished(() => temporary[Symbol.asyncDispose]());
  const module = join(import.meta.dirname, '../registry.mjs');
  const script = `const r = await (await import('${module}')).startRegistry(); console.log(r.url); setInterval(() => {}, 1e6)`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
    env: { ...process.env, TMPDIR: temporary.path },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = String((await new Promise<Buffer>((resolve) => parent.stdout.once('data', resolve))).toString()).trim();
  expect(readdirSync(temporary.path)).toHaveLength(1);
  expect((await fetch(`${url}-/ping`)).status).toBe(200);
  parent.kill('SIGKILL');
  await eventually('the folder to be gone', () => readdirSync(temporary.path).length === 0);
  await eventually('the port to be closed', () =>
    fetch(url).then(
      () => false,
      () => true,
    ),
  );
});
