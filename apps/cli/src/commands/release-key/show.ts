import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { defineCommand, noWords } from '../../call/command.ts';
import { releaseKeysDir } from './places.ts';

/** Every release key of the directory, with its private half. */
export async function ownReleaseKeys(dir: string) {
  const { openReleaseKey } = await import('./library.ts');
  if (!existsSync(dir)) return [];
  const names = readdirSync(dir).filter((name) => name.endsWith('.pem') && !name.startsWith('.'));
  return names.sort().map((name) => ({ ...openReleaseKey(join(dir, name)), path: join(dir, name) }));
}

export const releaseKeyShow = defineCommand({
  name: 'show',
  summary: 'show the public halves of your release keys, and write the file of keys that an installation trusts',
  usage: '',
  options: {
    write: { kind: 'text', value: 'FILE', help: 'write release-keys.json, to be installed as share/release-keys.json' },
    and: { kind: 'text', value: 'FILE', help: 'and the keys of this release-keys.json, such as those of a colleague' },
  },
  examples: ['kanade release-key show', 'kanade release-key show --write release-keys.json'],
  async run({ write, and }, words, context) {
    noWords(words);
    const dir = releaseKeysDir(context);
    const own = await ownReleaseKeys(dir);
    const { loadReleaseKeys, writeTrustedKeys } = await import('./library.ts');
    const others = and === undefined ? [] : loadReleaseKeys(resolve(context.cwd, and));
    const keys = [...own.map(({ trusted }) => trusted), ...others];
    const path = write === undefined ? undefined : resolve(context.cwd, write);
    if (path !== undefined) writeTrustedKeys(path, keys);
    return { type: 'release-key.show', keys_dir: dir, keys, ...(path === undefined ? {} : { written: path }) };
  },
});
