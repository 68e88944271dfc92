import { spawnSync } from 'node:child_process';
import { copyFileSync, readdirSync, readFileSync } from 'node:fs';
import { tempDir } from '@kanade/testkit';
import { expect, it } from 'vitest';
import { environment, root } from '../toolchain.mjs';

const published = ['packages', 'apps']
  .flatMap((folder) => readdirSync(`${root}/${folder}`).map((name) => `${folder}/${name}`))
  .filter((dir) => JSON.parse(readFileSync(`${root}/${dir}/package.json`, 'utf8')).private !== true);

it('knows the packages that are published', () => {
  expect(published).toEqual([
    'packages/agent',
    'packages/durable',
    'packages/fleet',
    'packages/klp',
    'packages/outbox',
    'packages/runner',
    'packages/shared',
    'packages/update',
    'apps/cli',
    'apps/client-app',
  ]);
});

it.each(published)('%s packs into a tarball that stands alone', (dir) => {
  const { status, stderr } = spawnSync(process.execPath, ['tools/pack-check.mjs', dir], {
    cwd: root,
    env: environment(),
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  expect(status).toBe(0);
});

it('what is not built is not packed', async () => {
  await using copy = await tempDir();
  copyFileSync(`${root}/packages/durable/package.json`, `${copy.path}/package.json`);
  const pack = spawnSync(process.execPath, [`${root}/tools/prepack.mjs`], { cwd: copy.path, encoding: 'utf8' });
  expect([pack.status, pack.stderr]).toEqual([
    1,
    '@kanade/durable is not built (there is no ./dist/index.d.ts): pnpm nx run @kanade/durable:build\n',
  ]);
});
