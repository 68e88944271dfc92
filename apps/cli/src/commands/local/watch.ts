import { defineCommand, oneWord, UsageError } from '../../call/command.ts';
import { tailLines } from '../../door/excerpts.ts';
import { cursorOption } from '../../local/cursor-options.ts';
import { jobsOf } from '../../local/observation.ts';

export const watch = defineCommand({
  name: 'watch',
  summary: 'follow a job’s output until it ends; Ctrl-C leaves the job alone',
  usage: 'JOB_ID',
  options: {
    ...cursorOption,
    lines: {
      kind: 'count',
      value: 'N',
      help: `begin so many lines before the end, 0 = with the first (default ${tailLines})`,
    },
  },
  notes: [
    'Who leaves before the end is told on stderr how to go on where this call stopped: with --cursor nothing is lost and nothing repeated.',
  ],
  examples: ['kanade watch 3f2a9c1'],
  async run(options, words, context) {
    const { io, program } = context;
    const jobs = jobsOf(context);
    if (options.cursor !== undefined && options.lines !== undefined)
      throw new UsageError('--cursor and --lines exclude each other: with a cursor all is shown that came since');
    const job = jobs.find(oneWord(words, 'JOB_ID'));
    // Loaded on demand: only people at a terminal watch.
    await (await import('../../local/watch-job.ts')).watchJob(jobs, job, {
      io,
      program,
      cursor: options.cursor,
      lines: options.lines ?? tailLines,
    });
    return '';
  },
});
