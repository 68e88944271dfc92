import { defineCommand } from '../../call/command.ts';
import { nextAfter, oneFile, pageOf, pageOptions, spell, stateOption, states, withLook } from './words.ts';

export const outboxList = defineCommand({
  name: 'list',
  summary: 'records without their bodies, in the order in which they were enqueued',
  usage: 'FILE',
  options: {
    state: {
      kind: 'text',
      value: 'STATE',
      values: states,
      help: 'only ready, waiting, held, quarantined or kept ones',
    },
    ...pageOptions,
  },
  examples: ['kanade outbox list state.db', 'kanade outbox list state.db --state waiting --limit 20'],
  async run(options, words, context) {
    const place = oneFile(words, context);
    const state = stateOption(options.state);
    const page = pageOf(options);
    return withLook(place, async (look) => {
      const records = await look.list({ ...page, ...(state && { state }) });
      return {
        type: 'outbox.list',
        file: place.path,
        table: look.table,
        records: records.map(spell),
        next_after: nextAfter(records, page.limit),
      };
    });
  },
});
