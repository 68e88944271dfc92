/** The libraries that are published one by one, and how each is taken by somebody who has nothing else of ours. */
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { environment, root } from './toolchain.mjs';

const run = promisify(execFile);

/**
 * `[{ name, directory, manifest, installWords, example, promised }]`, in the order of `nx.json`, which says what is released
 * one by one: what its README says to install, the example there, and what that prints.
 */
export const libraries = JSON.parse(readFileSync(join(root, 'nx.json'), 'utf8')).release.groups.libraries.projects.map(
  (name) => {
    const directory = join(root, 'packages', name.slice('@kanade/'.length));
    const readme = readFileSync(join(directory, 'README.md'), 'utf8');
    const [, installWords] = /```sh\nnpm install (.*)\n```/.exec(readme) ?? [];
    const [, example, promised = ''] = /```ts\n([\s\S]*?)```(?:[\s\S]*?```text\n([\s\S]*?)```)?/.exec(readme) ?? [];
    if (!installWords || !example) throw new Error(`the README of ${name} has no "npm install", or no example`);
    const manifest = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
    return { name, directory, manifest, installWords: installWords.split(' '), example, promised };
  },
);

/** What a library can be imported as: `['@kanade/klp', '@kanade/klp/socket', …]`. */
export function entriesOf({ name, manifest }) {
  return Object.entries(manifest.publishConfig.exports)
    .filter(([, target]) => target.types)
    .map(([entry]) => name + entry.slice(1));
}

/** Publishes every library, as it was built, to a registry of `registry.mjs`. */
export async function publishLibraries(registry, home) {
  writeFileSync(join(home, '.npmrc'), registry.npmrc);
  const env = { ...environment(), npm_config_userconfig: join(home, '.npmrc') };
  for (const { directory } of libraries)
    await run('pnpm', ['publish', '--no-git-checks', '--registry', registry.url], { cwd: directory, env });
}

/**
 * Installs a library into an empty folder with the words of its README, and Node's types, and writes its example there. Caches
 * of the clients are in `home`. Returns the folder.
 *
 * @param {'npm' | 'bun'} client
 */
export async function installAlone(library, { client, bun, registry, home }) {
  const folder = join(home, `${library.name.split('/').at(-1)}-${client}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, '.npmrc'), registry.npmrc);
  writeFileSync(join(folder, 'package.json'), '{"name":"somebody","private":true,"type":"module"}\n');
  writeFileSync(join(folder, 'example.ts'), library.example);
  const [program, verb] = client === 'npm' ? ['npm', 'install'] : [bun, 'add'];
  const { npm_config_registry: _, ...env } = process.env;
  await run(program, [verb, ...library.installWords, '@types/node@24'], {
    cwd: folder,
    env: { ...env, npm_config_cache: join(home, 'npm-cache'), BUN_INSTALL_CACHE_DIR: join(home, 'bun-cache') },
  });
  return folder;
}
