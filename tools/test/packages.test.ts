import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
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
