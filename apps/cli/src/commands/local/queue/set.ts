import { defineCommand, oneWord, UsageError } from '../../../call/command.ts';
import { answerSetQueue } from '../../../door/queue.ts';
import { jobsOf } from '../../../local/observation.ts';
import { checkQueueName } from '../../../local/turn.ts';

export const queueSet = defineCommand({
  name: 'queue set',
  summary: 'say how many jobs of a queue run at the same time',
  usage: 'NAME',
  options: {
    slots: { kind: 'count', value: 'N', help: 'at most so many run at the same time; 0 starts none (a queue has 1)' },
  },
  notes: [
    'What runs goes on, also where there are fewer slots now. A queue needs not be made: it is there as soon as a job is put into it.',
  ],
  examples: ['kanade queue set build --slots 2', 'kanade queue set build --slots 0'],
  run({ slots }, words, context) {
    const name = oneWord(words, 'NAME');
    checkQueueName(name);
    if (slots === undefined) throw new UsageError('option --slots is missing');
    return answerSetQueue(jobsOf(context), name, slots);
  },
});
