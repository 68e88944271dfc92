import { defineCommand } from '../../call/command.ts';
import { instant, nextAfter, oneFile, pageOf, pageOptions, withLook } from './words.ts';

export const drops = defineCommand({
  name: 'drops',
  summary: 'the last records that left undelivered, with the reason',
  usage: 'FILE',
  options: pageOptions,
  examples: ['kanade outbox drops state.db --limit 20'],
  async run(options, words, context) {
    const place = oneFile(words, context);
    const page = pageOf(options);
    return withLook(place, async (look) => {
      const entries = await look.drops(page);
      return {
        type: 'outbox.drops',
        file: place.path,
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
