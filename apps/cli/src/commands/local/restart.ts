import { parseSignal } from '@kanade/runner';
import { defineCommand, oneWord, UsageError } from '../../call/command.ts';
import { waitingFor } from '../../door/waiting.ts';
import {
  checkObservation,
  collect,
  jobsOf,
  observationOptions,
  observeAndAnswer,
  prepareCollection,
} from '../../local/observation.ts';

/** Time that the former run gets between the signal and KILL, in ms (contract, section 3.4). */
const graceMs = 3_000;

export const restart = defineCommand({
  name: 'restart',
  summary: 'stop a job if it runs, and run it again',
  usage: 'JOB_ID',
  waits: true,
  options: {
    ...observationOptions,
    signal: {
      kind: 'text',
      value: 'NAME',
      values: ['TERM', 'INT', 'KILL', 'HUP', 'USR1', 'USR2'],
      help: 'signal that stops the former run (default TERM)',
    },
  },
  examples: ['kanade restart 3f2a9c1', 'kanade restart --signal INT --until 5 3f2a9c1'],
  async run(given, words, context) {
    checkObservation(given);
    const signal = parseSignal(given.signal ?? 'TERM');
    if (!signal) throw new UsageError(`unknown signal ${JSON.stringify(given.signal)}`);
    const config = await prepareCollection(given, context);
    const jobs = jobsOf(context);
    const job = jobs.find(oneWord(words, 'JOB_ID'));
    context.onWaiting?.(waitingFor(jobs, job));
    const launched = await jobs.restart(job, { signal, graceMs, abort: context.io.signal });
    const answer = await observeAndAnswer({ type: 'restart', given, jobs, launched, context, config });
    collect(given, config, { io: context.io, jobs });
    return answer;
  },
});
