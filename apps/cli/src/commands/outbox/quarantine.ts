import { UsageError } from '../../call/arguments.ts';
import { defineOutboxCommand } from '../../outbox/command.ts';
import { withLook, withOutbox } from './open.ts';
import { nextAfter, pageOf, pageOptions, spell } from './words.ts';

export const quarantine = defineOutboxCommand({
  name: 'quarantine',
  summary: 'list what is in quarantine; with IDs, set these records apart',
  usage: '[ID...]',
  options: {
    reason: { kind: 'text', value: 'TEXT', help: 'why they are set apart (default: set apart by hand)' },
    ...pageOptions,
  },
  examples: [
    'kanade outbox quarantine state.db',
    'kanade outbox quarantine state.db 6f0f1a52 --reason "too large for them"',
  ],
  plan(options, ids) {
    const page = pageOf(options);
    if (ids.length === 0) {
      if (options.reason !== undefined) throw new UsageError('option --reason goes with IDs');
      return (context) =>
        withLook(context, async (look) => {
          const records = await look.quarantined(page);
          const [file, table] = [context.path, look.table];
          const next = nextAfter(records, page.limit);
          return { type: 'outbox.quarantine', file, table, records: records.map(spell), next_after: next };
        });
    }
    const reason = options.reason ?? 'set apart by hand';
    if (reason.length > 2000) throw new UsageError('option --reason is too long: at most 2000 characters');
    return (context) =>
      withOutbox(context, async (outbox) => ({
        type: 'outbox.quarantine',
        file: context.path,
        quarantined: await outbox.quarantine({ ids }, { reason }),
      }));
  },
});
