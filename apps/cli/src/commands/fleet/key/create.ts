import { defineCommand, oneWord } from '../../../call/command.ts';
import { doneAndRecorded } from '../connect.ts';
import { keysDir } from './places.ts';

export const keyCreate = defineCommand({
  name: 'key create',
  summary: 'make a key to sign orders with; its private half stays in a file of yours',
  usage: 'KEY',
  options: {
    label: { kind: 'text', value: 'TEXT', help: 'whose or what it is, for people' },
    'break-glass': {
      kind: 'flag',
      help: 'for emergencies: signatures are good for 10 minutes, and machines report each use',
    },
    'max-age': {
      kind: 'text',
      value: 'DURATION',
      help: 'how long a signature is good, such as 10m (default: for ever)',
    },
    audit: { kind: 'flag', help: 'machines report each use' },
  },
  notes: [
    'The key is in KANADE_KEYS_DIR, else in kanade/keys of your configuration directory, readable by you alone; it is never printed.',
    'Machines obey it when it is in their key ring: "kanade fleet key trust", then bring the ring to them (agent --command-keys FILE).',
  ],
  examples: ['kanade fleet key create ops-2026 --label operators', 'kanade fleet key create emergency --break-glass'],
  async run(options, words, context) {
    const kid = oneWord(words, 'KEY');
    const { createKey, keyAgeDefault } = await import('./library.ts');
    const isGlass = options['break-glass'] ?? false;
    const dir = keysDir(context);
    return doneAndRecorded(context, () => {
      const { trusted, commandKey, path } = createKey({
        dir,
        kid,
        label: options.label,
        maxAge: options['max-age'] ?? (isGlass ? keyAgeDefault : undefined),
        auditEveryUse: options.audit ?? isGlass,
      });
      const made = { ...trusted, command_key: commandKey };
      return {
        answer: { type: 'fleet.key.create', ...made, private_key_file: path },
        entry: { action: 'key.create', about: kid, details: made },
      };
    });
  },
});
