import { defineCommand } from '../../call/command.ts';
import { oneFile, withLook } from './words.ts';

export const count = defineCommand({
  name: 'count',
  summary: 'how many records and bytes are in which state, and what has left since the outbox was made',
  usage: 'FILE',
  options: {},
  examples: ['kanade outbox count state.db'],
  async run(_options, words, context) {
    const place = oneFile(words, context);
    return withLook(place, async (look) => ({
      type: 'outbox.count',
      file: place.path,
      table: look.table,
      ...(await look.count()),
    }));
  },
});
