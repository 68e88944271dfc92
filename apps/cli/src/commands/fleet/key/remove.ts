import { defineCommand, oneWord } from '../../../call/command.ts';
import { keysDir, ringOption, ringPath } from './places.ts';

export const keyRemove = defineCommand({
  name: 'key remove',
  summary: 'take a key out of a key ring, so that machines obey it no more; with --private delete your key itself',
  usage: 'KEY',
  options: {
    ...ringOption,
    private: { kind: 'flag', help: 'delete the private key for good instead; rings go on trusting its public half' },
  },
  notes: ['Orders that wait on a machine are verified again before they start: those of a removed key are refused.'],
  examples: ['kanade fleet key remove ops-2025', 'kanade fleet key remove ops-2025 --private'],
  async run(options, words, context) {
    const kid = oneWord(words, 'KEY');
    const { distrustKey, removeKey } = await import('./library.ts');
    if (options.private) {
      const dir = keysDir(context);
      removeKey(dir, kid);
      return { type: 'fleet.key.remove', kid, keys_dir: dir };
    }
    const path = ringPath(context, options.ring);
    return { type: 'fleet.key.remove', kid, ring: path, ...distrustKey(path, kid) };
  },
});
