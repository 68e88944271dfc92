import { defineOutboxCommand } from '../../outbox/command.ts';
import { withLook } from './open.ts';
import { noWords } from './words.ts';

export const count = defineOutboxCommand({
  name: 'count',
  summary: 'how many records and bytes are in which state, and what has left since the outbox was made',
  usage: '',
  options: {},
  examples: ['kanade outbox count state.db'],
  plan(_, words) {
    noWords(words);
    return (context) =>
      withLook(context, async (look) => ({
        type: 'outbox.count',
        file: context.path,
        table: look.table,
        ...(await look.count()),
      }));
  },
});
