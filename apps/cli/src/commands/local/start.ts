import { findJob, startJob } from '@kanade/runner';
import { defineCommand, oneWord } from '../../call/command.ts';
import { collect, prepareCollection } from '../../local/collect.ts';
import { checkObservation, observationOptions, observeAndAnswer, startCared } from '../../local/observation.ts';

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
    const job = findJob(context.root, oneWord(words, 'JOB_ID'));
    const started = startCared(context.root, job, () => startJob(job, context.io.env));
    const answer = await observeAndAnswer({ type: 'start', given, ...started, context });
    collect(given, config, context);
    return answer;
  },
});
