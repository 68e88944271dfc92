import { parseSignal } from '@kanade/runner';
import { defineCommand, oneWord, UsageError } from '../../call/command.ts';
import { exitCodeField, jobsOf, reasonOf, signalFields } from '../../local/observation.ts';

/** How long the answer waits for the effect of one signal, in ms (contract, section 3.8). */
const observeMs = 3_000;

/** Grace between TERM and KILL, in ms: short enough that the ending stands in the answer. */
const graceMs = 2_000;

export const kill = defineCommand({
  name: 'kill',
  summary: 'stop a job and everything it started',
  usage: 'JOB_ID',
  options: {
    signal: {
      kind: 'text',
      value: 'NAME',
      values: ['TERM', 'INT', 'KILL', 'HUP', 'USR1', 'USR2'],
      help: 'send exactly this signal, with or without SIG (default: TERM, 2 s later KILL)',
    },
    'no-wait': { kind: 'flag', help: 'do not wait for the effect' },
  },
  examples: ['kanade kill 3f2a9c1', 'kanade kill --signal USR1 3f2a9c1'],
  async run(options, words, context) {
    const signal = parseSignal(options.signal ?? 'TERM');
    if (!signal)
      throw new UsageError(
        `unknown signal ${JSON.stringify(options.signal)}: give a name such as TERM, INT, HUP, USR1 or KILL`,
      );
    const jobs = jobsOf(context);
    const job = jobs.find(oneWord(words, 'JOB_ID'));
    const named = { type: 'kill', job_id: job.id, signal: (options.signal ?? 'TERM').toUpperCase() };
    const startedMs = performance.now();
    const stopped = await jobs.stop(job, {
      by: 'user',
      signal,
      only: options.signal !== undefined || options['no-wait'] === true,
      graceMs: options['no-wait'] ? 0 : options.signal === undefined ? graceMs : observeMs,
      abort: context.io.signal,
    });
    if (options['no-wait']) return named;
    const ended = signalFields(stopped.view);
    return {
      ...named,
      state: stopped.view.status,
      ...exitCodeField(stopped.view),
      ...(ended ? { terminated_signal: ended.name, terminated_signal_number: ended.number } : {}),
      observed_within_ms: stopped.report ? Math.round(performance.now() - startedMs) : 0,
      ...(stopped.report ? { mechanism: stopped.report.mechanism, survivors: stopped.report.survivors } : {}),
      ...reasonOf(stopped.view),
    };
  },
});
