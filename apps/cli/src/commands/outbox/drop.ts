import { defineOutboxCommand } from '../../outbox/command.ts';
import { withOutbox } from './open.ts';
import { selection } from './words.ts';

export const drop = defineOutboxCommand({
  name: 'drop',
  summary: 'remove records undelivered; each is counted and noted (see drops)',
  usage: '[ID...]',
  options: {
    all: { kind: 'flag', help: 'every quarantined record, or every one of --state' },
    state: { kind: 'text', value: 'STATE', help: 'with --all: quarantined (default), ready, waiting or held' },
  },
  examples: ['kanade outbox drop state.db 6f0f1a52 8a1b22c4', 'kanade outbox drop state.db --all --state quarantined'],
  plan(options, ids) {
    const chosen = selection(ids, options);
    return (context) =>
      withOutbox(context, async (outbox) => ({
        type: 'outbox.drop',
        file: context.path,
        dropped: await outbox.drop(chosen),
      }));
  },
});
