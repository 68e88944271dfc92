import { defineCommand, UsageError } from '../../call/command.ts';
import { fileAndIds, nextAfter, pageOf, pageOptions, spell, withLook, withOutbox } from './words.ts';

export const quarantine = defineCommand({
  name: 'quarantine',
  summary: 'list what is in quarantine; with IDs, set these records apart',
  usage: 'FILE [ID...]',
  options: {
    reason: { kind: 'text', value: 'TEXT', help: 'why they are set apart (default: set apart by hand)' },
    ...pageOptions,
  },
  examples: [
    'kanade outbox quarantine state.db',
    'kanade outbox quarantine state.db 6f0f1a52 --reason "too large for them"',
  ],
  async run(options, words, context) {
    const [place, ids] = fileAndIds(words, context);
    const page = pageOf(options);
    if (ids.length === 0) {
      if (options.reason !== undefined) throw new UsageError('option --reason goes with IDs');
      return withLook(place, async (look) => {
        const records = await look.quarantined(page);
        const [file, table] = [place.path, look.table];
        const next = nextAfter(records, page.limit);
        return { type: 'outbox.quarantine', file, table, records: records.map(spell), next_after: next };
      });
    }
    const reason = options.reason ?? 'set apart by hand';
    if (reason.length > 2000) throw new UsageError('option --reason is too long: at most 2000 characters');
    return withOutbox(place, async (outbox) => ({
      type: 'outbox.quarantine',
      file: place.path,
      quarantined: await outbox.quarantine({ ids }, { reason }),
    }));
  },
});
