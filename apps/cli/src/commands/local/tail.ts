import { defineCommand, goOn, oneWord, UsageError } from '../../call/command.ts';
import { askedMode, compressOptions, withCompression } from '../../compress/compress.ts';
import { excerptBytes, tailLines } from '../../door/excerpts.ts';
import { answerTail } from '../../door/tail.ts';
import { cursorOption, cursorRule } from '../../local/cursor-options.ts';
import { jobsOf } from '../../local/observation.ts';
import { readConfig } from '../../local/settings.ts';

export const tail = defineCommand({
  name: 'tail',
  summary: 'the last lines of a job’s output',
  usage: 'JOB_ID',
  options: {
    'tail-lines': { kind: 'count', value: 'N', help: `lines per stream, 0 = no limit (default ${tailLines})` },
    lines: { kind: 'count', value: 'N', help: 'the same as --tail-lines' },
    ...cursorOption,
    ...compressOptions,
    'max-bytes': { kind: 'count', value: 'N', help: `bytes per stream (default ${excerptBytes})` },
  },
  notes: [cursorRule],
  examples: [
    'kanade tail 3f2a9c1',
    'kanade tail --lines 5 3f2a9c1',
    'kanade tail --whole --compress errors --max-bytes 0 3f2a9c1',
  ],
  run(options, words, context) {
    if (options['tail-lines'] !== undefined && options.lines !== undefined) {
      throw new UsageError('--tail-lines and --lines are the same option: give one of them');
    }
    if (options.cursor !== undefined && (options['tail-lines'] ?? options.lines) !== undefined)
      throw new UsageError('--cursor and --lines exclude each other: with a cursor the answer has all that came since');
    askedMode(options);
    const window = {
      cursor: options.cursor,
      lines: options['tail-lines'] ?? options.lines,
      bytesMax: options['max-bytes'],
    };
    return goOn(readConfig(context.io.env, undefined), ({ compression: configured }) => {
      const jobs = jobsOf(context);
      const answer = answerTail(jobs, oneWord(words, 'JOB_ID'), window);
      return withCompression(answer, { given: options, configured, jobs, context });
    });
  },
});
