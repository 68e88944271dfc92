import { defineCommand, oneWord } from '../../call/command.ts';
import { releaseKeysDir } from './places.ts';

export const releaseKeyCreate = defineCommand({
  name: 'create',
  summary: 'make a key to sign releases with; its private half stays in a file of yours',
  usage: 'KEY',
  options: {},
  notes: [
    'The private half is readable by you alone, and never printed. "release-key show --write" makes the file that installations trust.',
  ],
  examples: [
    'kanade release-key create release-2026',
    'kanade release-key create spare-2026 --keys-dir /media/stick/keys',
  ],
  async run(_, words, context) {
    const keyid = oneWord(words, 'KEY');
    const { createReleaseKey } = await import('./library.ts');
    const { trusted, path } = createReleaseKey({ dir: releaseKeysDir(context), keyid });
    return { type: 'release-key.create', ...trusted, private_key_file: path };
  },
});
