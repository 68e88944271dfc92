import { defineCommand, noWords, oneWord, UsageError } from '../../../call/command.ts';
import { withFleet } from '../connect.ts';
import { readCode } from './read-code.ts';

export const supportCodeSet = defineCommand({
  name: 'support-code set',
  summary: 'set the code that opens the jobs of a scope (client.unlock) for the person at a machine, for a while',
  usage: 'SCOPE',
  options: {
    ttl: { kind: 'count', value: 'MINUTES', help: 'how long it opens them, 1 to 480 (default: 15)' },
    label: { kind: 'text', value: 'TEXT', help: 'what it opens, for people' },
  },
  notes: [
    'The code is asked for on the terminal, or read from standard input: its first line. It is kept as a hash (argon2id), and shown nowhere.',
  ],
  examples: ['kanade fleet support-code set helpdesk --ttl 30 < code.txt'],
  async run({ ttl, label }, words, context) {
    const scope = oneWord(words, 'SCOPE');
    if (ttl !== undefined && (ttl < 1 || ttl > 480)) throw new UsageError(`--ttl must be between 1 and 480: ${ttl}`);
    const { io } = context;
    return withFleet(context, async ({ fleet, setSupportCode, audit }) => {
      const code = await readCode(io, `code for ${scope}: `);
      const { set, replaced } = await setSupportCode(fleet, { scope, code, label, ttlMinutes: ttl, signal: io.signal });
      const noted = await audit({ action: 'support-code.set', about: scope, details: { ...set, replaced } });
      return { type: 'fleet.support_code.set', ...set, replaced, ...noted };
    });
  },
});

export const supportCodeList = defineCommand({
  name: 'support-code list',
  summary: 'show which scopes have a support code; the codes themselves stand nowhere',
  usage: '',
  options: {},
  examples: ['kanade fleet support-code list'],
  async run(_options, words, context) {
    noWords(words);
    return withFleet(context, async ({ fleet, listSupportCodes }) => {
      return { type: 'fleet.support_code.list', codes: await listSupportCodes(fleet, context.io.signal) };
    });
  },
});

export const supportCodeRemove = defineCommand({
  name: 'support-code remove',
  summary: 'take the code of a scope away; what it has opened stays open until its time is over',
  usage: 'SCOPE',
  options: {},
  examples: ['kanade fleet support-code remove helpdesk'],
  async run(_options, words, context) {
    const scope = oneWord(words, 'SCOPE');
    return withFleet(context, async ({ fleet, removeSupportCode, audit }) => {
      const removed = await removeSupportCode(fleet, scope, context.io.signal);
      const noted = removed ? await audit({ action: 'support-code.remove', about: scope, details: {} }) : {};
      return { type: 'fleet.support_code.remove', scope, removed, ...noted };
    });
  },
});
