import { defineCommand, noWords } from '../../../call/command.ts';
import { keysDir, ringOption, ringPath } from './places.ts';

export const keyList = defineCommand({
  name: 'key list',
  summary: 'show your keys and those that a key ring trusts',
  usage: '',
  options: { ...ringOption },
  examples: ['kanade fleet key list', 'kanade fleet key list --ring /etc/kanade/command-keys.json'],
  async run(options, words, context) {
    noWords(words);
    const { listKeys, readRing } = await import('./library.ts');
    const dir = keysDir(context);
    const path = ringPath(context, options.ring);
    const ring = readRing(path);
    const trusted = new Map(ring?.keys.map(({ kid, command_key }) => [kid, command_key]));
    const own = listKeys(dir).map((key) =>
      'fault' in key
        ? { kid: key.kid, usable: false, fault: key.fault.message }
        : {
            ...key.trusted,
            command_key: key.commandKey,
            usable: true,
            trusted: trusted.get(key.kid) === key.commandKey,
          },
    );
    return {
      type: 'fleet.key.list',
      keys_dir: dir,
      own,
      ring: path,
      enforcing: ring?.enforcing ?? false,
      keys: ring?.keys ?? [],
    };
  },
});
