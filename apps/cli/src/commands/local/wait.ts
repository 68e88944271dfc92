import { defineCommand, oneWord, UsageError } from '../../call/command.ts';
import { answerWait, waitSeconds } from '../../door/wait.ts';
import { exitCodeOption, jobsOf } from '../../local/observation.ts';

export const wait = defineCommand({
  name: 'wait',
  summary: 'wait for the end of a job',
  usage: 'JOB_ID',
  waits: true,
  options: {
    until: { kind: 'count', value: 'N', help: `give up after N seconds (default ${waitSeconds})` },
    forever: { kind: 'flag', help: 'never give up' },
    ...exitCodeOption,
    poll: { kind: 'count', value: 'N', help: 'accepted for older callers: waiting is watching, not polling' },
  },
  examples: ['kanade wait 3f2a9c1', 'kanade wait --until 600 3f2a9c1'],
  run(options, words, context) {
    const { io, onWaiting, tellsEnding } = context;
    if (options.forever && options.until !== undefined)
      throw new UsageError('--until and --forever exclude each other');
    const until = options.forever ? 'forever' : options.until;
    return answerWait(jobsOf(context), oneWord(words, 'JOB_ID'), { until, signal: io.signal, tellsEnding, onWaiting });
  },
});
