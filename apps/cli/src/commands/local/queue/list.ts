import { defineCommand, noWords } from '../../../call/command.ts';
import { answerQueues } from '../../../door/queue.ts';
import { jobsOf } from '../../../local/observation.ts';

export const queueList = defineCommand({
  name: 'queue list',
  summary: 'the queues: their slots, who runs in them and who waits',
  usage: '',
  options: {},
  examples: ['kanade queue list'],
  run(_given, words, context) {
    noWords(words);
    return answerQueues(jobsOf(context));
  },
});
