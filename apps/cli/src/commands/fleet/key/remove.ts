import { defineCommand, oneWord } from '../../../call/command.ts';
import { doneAndRecorded } from '../connect.ts';
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
    const dir = options.private ? keysDir(context) : undefined;
    const path = dir === undefined ? ringPath(context, options.ring) : undefined;
    return doneAndRecorded(context, () => {
      if (dir !== undefined) removeKey(dir, kid);
      const where = dir === undefined ? { ring: path } : { keys_dir: dir };
      const ring = path === undefined ? {} : distrustKey(path, kid);
      return {
        answer: { type: 'fleet.key.remove', kid, ...where, ...ring },
        entry: { action: 'key.remove', about: kid, details: where },
      };
    });
  },
});
