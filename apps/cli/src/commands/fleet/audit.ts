import type { AuditRecord } from '@kanade/shared/fleet';
import { defineCommand, noWords } from '../../call/command.ts';
import { journalOptions, lookInto } from './journal.ts';

export const audit = defineCommand({
  name: 'audit',
  summary: 'show who changed or ordered what, and from where; the newest first',
  usage: '',
  options: journalOptions,
  examples: ['kanade fleet audit', 'kanade fleet audit --limit 100', 'kanade fleet audit --follow'],
  async run({ limit, follow }, words, context) {
    noWords(words);
    const look = { type: 'fleet.audit', lineOf: lineOfRecord, limit, follow };
    return lookInto<AuditRecord>({ ...look, open: ({ auditJournal }) => auditJournal() }, context);
  },
});

const lineOfRecord = ({ at, user, host, action, about, order }: AuditRecord): string =>
  [at, `${user}@${host}`, action, about, order?.job_id].filter(Boolean).join('  ');
