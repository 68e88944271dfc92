import { parseSignal } from '@kanade/runner';
import { defineCommand, oneWord, UsageError } from '../../call/command.ts';
import { answerKill } from '../../door/kill.ts';
import { jobsOf } from '../../local/observation.ts';

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
  run(options, words, context) {
    const { signal, 'no-wait': noWait } = options;
    if (signal !== undefined && !parseSignal(signal))
      throw new UsageError(
        `unknown signal ${JSON.stringify(signal)}: give a name such as TERM, INT, HUP, USR1 or KILL`,
      );
    return answerKill(jobsOf(context), oneWord(words, 'JOB_ID'), { signal, noWait, abort: context.io.signal });
  },
});
