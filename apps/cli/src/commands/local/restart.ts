import { findJob, type JobError, type LaunchedJob, parseSignal, readMeta, restartJob } from '@kanade/runner';
import { defineCommand, oneWord, UsageError } from '../../call/command.ts';
import { collect, prepareCollection } from '../../local/collect.ts';
import {
  checkObservation,
  handOver,
  hasFailed,
  observationOptions,
  observeAndAnswer,
} from '../../local/observation.ts';
import { waitingFor } from '../../local/view.ts';

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
    const { root, io } = context;
    const config = await prepareCollection(given, context);
    const job = findJob(root, oneWord(words, 'JOB_ID'));
    context.onWaiting?.(waitingFor(job));
    const beforeStart = (): void => {
      const meta = readMeta(job);
      if (meta && (meta.timeout_ms > 0 || meta.notification)) handOver(root, job);
    };
    let launched: LaunchedJob | undefined;
    try {
      launched = await restartJob(job, {
        env: io.env,
        stop: { by: 'user', signal, graceMs, abort: io.signal },
        beforeStart,
      });
    } catch (error) {
      if ((error as JobError).code !== 'launch_failed' || !hasFailed(job)) throw error;
    }
    const answer = await observeAndAnswer({ type: 'restart', given, job, launched, context });
    collect(given, config, context);
    return answer;
  },
});
