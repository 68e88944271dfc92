import { resolve } from 'node:path';
import { defineCommand, oneWord, UsageError } from '../../../call/command.ts';
import { doneAndRecorded } from '../connect.ts';
import { keysDir, ringOption, ringPath } from './places.ts';

export const keyTrust = defineCommand({
  name: 'key trust',
  summary: 'take a public key into a key ring, and say whether machines insist on signatures',
  usage: '[KEY|FILE]',
  options: {
    ...ringOption,
    enforcing: {
      kind: 'optional',
      value: 'true|false',
      values: ['true', 'false'],
      help: 'machines refuse orders without a good signature (true), or run and report them (false, as a new ring does)',
    },
  },
  notes: [
    'KEY is one of your own; FILE is what somebody else has sent you of theirs: KEY.pub.json beside a private key, in which nothing is secret.',
    'Machines with the ring read it again when it changes. Let all of them have it, and see "command_keys" in "kanade fleet agents", before it is enforcing.',
  ],
  examples: [
    'kanade fleet key trust ops-2026',
    'kanade fleet key trust colleague.pub.json --ring ring.json',
    'kanade fleet key trust --enforcing',
  ],
  async run(options, words, context) {
    const { enforcing } = options;
    if (words.length === 0 && enforcing === undefined)
      throw new UsageError('KEY is missing: name a key, or say --enforcing true or false');
    const path = ringPath(context, options.ring);
    const { setEnforcing, trustedKeyIn, trustKey } = await import('./library.ts');
    const type = 'fleet.key.trust';
    if (words.length === 0 && enforcing !== undefined)
      return doneAndRecorded(context, () => ({
        answer: { type, ring: path, ...setEnforcing(path, enforcing) },
        entry: { action: 'key.trust', details: { ring: path, enforcing } },
      }));
    const key = oneWord(words, 'KEY');
    const isFile = key.includes('/') || key.endsWith('.json');
    const trusted = trustedKeyIn(resolve(...(isFile ? [context.cwd, key] : [keysDir(context), `${key}.pub.json`])));
    const { kid } = trusted;
    return doneAndRecorded(context, () => {
      const ring = trustKey(path, trusted, enforcing);
      return {
        answer: { type, kid, ring: path, ...ring },
        entry: { action: 'key.trust', about: kid, details: { ring: path, enforcing: ring.enforcing, ...trusted } },
      };
    });
  },
});
