import { defineCommand, oneWord } from '../../call/command.ts';
import {
  checkObservation,
  collect,
  jobsOf,
  observationOptions,
  observeAndAnswer,
  prepareCollection,
} from '../../local/observation.ts';

export const start = defineCommand({
  name: 'start',
  summary: 'start a job that was created',
  usage: 'JOB_ID',
  waits: true,
  options: observationOptions,
  examples: ['kanade start 3f2a9c1', 'kanade start --no-wait 3f2a9c1'],
  async run(given, words, context) {
    checkObservation(given);
    const config = await prepareCollection(given, context);
    const jobs = jobsOf(context);
    const launched = jobs.start(jobs.find(oneWord(words, 'JOB_ID')));
    const answer = await observeAndAnswer({ type: 'start', given, jobs, launched, context, config });
    collect(given, config, { io: context.io, jobs });
    return answer;
  },
});
