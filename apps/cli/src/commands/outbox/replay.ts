import { defineCommand } from '../../call/command.ts';
import { fileAndIds, selection, states, withOutbox } from './words.ts';

export const replay = defineCommand({
  name: 'replay',
  summary: 'give quarantined, waiting or kept records a new start: ready now, no attempts counted',
  usage: 'FILE [ID...]',
  options: {
    all: { kind: 'flag', help: 'every quarantined record, or every one of --state' },
    state: { kind: 'text', value: 'STATE', values: states, help: 'with --all: quarantined (default), waiting or kept' },
  },
  examples: ['kanade outbox replay state.db 6f0f1a52', 'kanade outbox replay state.db --all'],
  async run(options, words, context) {
    const [place, ids] = fileAndIds(words, context);
    const chosen = selection(ids, options);
    return withOutbox(place, async (outbox) => ({
      type: 'outbox.replay',
      file: place.path,
      replayed: await outbox.replay(chosen),
    }));
  },
});
