import { defineCommand, oneWord, UsageError } from '../../call/command.ts';
import { answerWait, waitSeconds } from '../../door/wait.ts';
import { cursorOption, cursorRule, matchOf, matchOption, matchRule } from '../../local/cursor-options.ts';
import { exitCodeOption, jobsOf } from '../../local/observation.ts';

export const wait = defineCommand({
  name: 'wait',
  summary: 'wait for the end of a job, or for a line of its output',
  usage: 'JOB_ID',
  waits: true,
  options: {
    until: { kind: 'count', value: 'N', help: `give up after N seconds (default ${waitSeconds})` },
    forever: { kind: 'flag', help: 'never give up' },
    ...cursorOption,
    ...matchOption,
    ...exitCodeOption,
    poll: { kind: 'count', value: 'N', help: 'accepted for older callers: waiting is watching, not polling' },
  },
  notes: [matchRule, cursorRule],
  examples: ['kanade wait 3f2a9c1', 'kanade wait --until 600 3f2a9c1', "kanade wait --match 'listening on' 3f2a9c1"],
  run(options, words, context) {
    const { io, onWaiting, tellsEnding } = context;
    if (options.forever && options.until !== undefined)
      throw new UsageError('--until and --forever exclude each other');
    const match = matchOf(options);
    if (match && options['exit-code'] !== undefined)
      throw new UsageError(
        '--exit-code and --match exclude each other: with --match the exit code says whether a line matched',
      );
    const { cursor } = options;
    const until = options.forever ? 'forever' : options.until;
    return answerWait(jobsOf(context), oneWord(words, 'JOB_ID'), {
      until,
      cursor,
      match,
      signal: io.signal,
      tellsEnding,
      onWaiting,
    });
  },
});
