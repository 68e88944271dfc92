/** `kanade outbox …`: looks into an outbox file, or repairs it, while the program that owns it may be running. */
import type { Door } from '../../call/command.ts';
import { count } from './count.ts';
import { drop } from './drop.ts';
import { drops } from './drops.ts';
import { exportRecords } from './export.ts';
import { outboxList } from './list.ts';
import { quarantine } from './quarantine.ts';
import { replay } from './replay.ts';
import { verify } from './verify.ts';

export const outbox: Door = {
  name: 'outbox',
  summary: 'looks into a file of records that wait for their delivery, and repairs it',
  options: {
    table: { kind: 'text', value: 'NAME', help: 'the outbox in the file (default: the only one)' },
  },
  commands: [outboxList, count, verify, exportRecords, drops, quarantine, replay, drop],
  aliases: {},
  notes: [
    'list, count, verify, export and drops only read; another process may hold the file meanwhile. replay, quarantine with IDs',
    'and drop change it in short transactions beside its owner. A file that is damaged or missing is reported, never replaced.',
  ],
  speaksToPeople: true,
  about: (_, [file = '']) => `file ${file}`,
};
