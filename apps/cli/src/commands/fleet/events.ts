import type { ObsEvent } from '@kanade/shared/fleet';
import { defineCommand, noWords } from '../../call/command.ts';
import { journalOptions, lookInto } from './journal.ts';

export const events = defineCommand({
  name: 'events',
  summary: 'show what happened on machines: agents that start and stop, orders that were refused; the newest first',
  usage: '',
  options: {
    pc: { kind: 'text', value: 'ID', help: 'only those of this machine' },
    kind: { kind: 'text', value: 'KIND', help: 'only those of this kind, such as agent_started' },
    ...journalOptions,
  },
  examples: ['kanade fleet events --pc pc-042', 'kanade fleet events --kind command_admission_conflict --follow'],
  async run({ pc, kind, limit, follow }, words, context) {
    noWords(words);
    const look = { type: 'fleet.events', lineOf: lineOfEvent, limit, follow };
    return lookInto<ObsEvent>({ ...look, open: ({ eventJournal }) => eventJournal({ pc, kind }) }, context);
  },
});

const lineOfEvent = ({ at, pc_id, kind, source, payload }: ObsEvent): string =>
  [at, pc_id, kind, source, payload === null || payload === undefined ? '' : JSON.stringify(payload)]
    .filter(Boolean)
    .join('  ');
