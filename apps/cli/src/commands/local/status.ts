import { defineCommand, oneWord } from '../../call/command.ts';
import { answerStatus } from '../../door/status.ts';
import { jobsOf } from '../../local/observation.ts';

export const status = defineCommand({
  name: 'status',
  summary: 'where a job stands',
  usage: 'JOB_ID',
  options: {},
  examples: ['kanade status 3f2a9c1'],
  run: (_options, words, context) => answerStatus(jobsOf(context), oneWord(words, 'JOB_ID')),
});
