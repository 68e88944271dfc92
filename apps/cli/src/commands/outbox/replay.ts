import { defineOutboxCommand } from '../../outbox/command.ts';
import { withOutbox } from './open.ts';
import { selection } from './words.ts';

export const replay = defineOutboxCommand({
  name: 'replay',
  summary: 'give quarantined or waiting records a new start: ready now, no attempts counted',
  usage: '[ID...]',
  options: {
    all: { kind: 'flag', help: 'every quarantined record, or every one of --state' },
    state: { kind: 'text', value: 'STATE', help: 'with --all: quarantined (default) or waiting' },
  },
  examples: ['kanade outbox replay state.db 6f0f1a52', 'kanade outbox replay state.db --all'],
  plan(options, ids) {
    const chosen = selection(ids, options);
    return (context) =>
      withOutbox(context, async (outbox) => ({
        type: 'outbox.replay',
        file: context.path,
        replayed: await outbox.replay(chosen),
      }));
  },
});
