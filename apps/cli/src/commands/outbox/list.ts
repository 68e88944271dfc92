import { defineOutboxCommand } from '../../outbox/command.ts';
import { withLook } from './open.ts';
import { nextAfter, noWords, pageOf, pageOptions, spell, stateOption } from './words.ts';

export const list = defineOutboxCommand({
  name: 'list',
  summary: 'records without their bodies, in the order in which they were enqueued',
  usage: '',
  options: {
    state: { kind: 'text', value: 'STATE', help: 'only ready, waiting, held or quarantined ones' },
    ...pageOptions,
  },
  examples: ['kanade outbox list state.db', 'kanade outbox list state.db --state waiting --limit 20'],
  plan(options, words) {
    noWords(words);
    const state = stateOption(options.state);
    const page = pageOf(options);
    return (context) =>
      withLook(context, async (look) => {
        const records = await look.list({ ...page, ...(state && { state }) });
        return {
          type: 'outbox.list',
          file: context.path,
          table: look.table,
          records: records.map(spell),
          next_after: nextAfter(records, page.limit),
        };
      });
  },
});
