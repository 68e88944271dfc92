import { defineOutboxCommand } from '../../outbox/command.ts';
import { withLook } from './open.ts';
import { instant, nextAfter, noWords, pageOf, pageOptions } from './words.ts';

export const drops = defineOutboxCommand({
  name: 'drops',
  summary: 'the last records that left undelivered, with the reason',
  usage: '',
  options: pageOptions,
  examples: ['kanade outbox drops state.db --limit 20'],
  plan(options, words) {
    noWords(words);
    const page = pageOf(options);
    return (context) =>
      withLook(context, async (look) => {
        const entries = await look.drops(page);
        return {
          type: 'outbox.drops',
          file: context.path,
          table: look.table,
          drops: entries.map(({ id, subject, bytes, reason, droppedAtMs }) => ({
            id,
            subject,
            bytes,
            reason,
            dropped_at: instant(droppedAtMs),
          })),
          next_after: nextAfter(entries, page.limit),
        };
      });
  },
});
