import { defineCommand } from '../../call/command.ts';
import { fileAndIds, selection, states, withOutbox } from './words.ts';

export const drop = defineCommand({
  name: 'drop',
  summary: 'remove records undelivered; each is counted and noted (see drops)',
  usage: 'FILE [ID...]',
  options: {
    all: { kind: 'flag', help: 'every quarantined record, or every one of --state' },
    state: {
      kind: 'text',
      value: 'STATE',
      values: states,
      help: 'with --all: quarantined (default), ready, waiting or held',
    },
  },
  examples: ['kanade outbox drop state.db 6f0f1a52 8a1b22c4', 'kanade outbox drop state.db --all --state quarantined'],
  async run(options, words, context) {
    const [place, ids] = fileAndIds(words, context);
    const chosen = selection(ids, options);
    return withOutbox(place, async (outbox) => ({
      type: 'outbox.drop',
      file: place.path,
      dropped: await outbox.drop(chosen),
    }));
  },
});
