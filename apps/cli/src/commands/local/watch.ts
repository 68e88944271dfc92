import { defineCommand, oneWord } from '../../call/command.ts';
import { tailLines } from '../../door/excerpts.ts';
import { jobsOf } from '../../local/observation.ts';

export const watch = defineCommand({
  name: 'watch',
  summary: 'follow a job’s output until it ends; Ctrl-C leaves the job alone',
  usage: 'JOB_ID',
  options: {
    lines: {
      kind: 'count',
      value: 'N',
      help: `begin so many lines before the end, 0 = with the first (default ${tailLines})`,
    },
  },
  examples: ['kanade watch 3f2a9c1'],
  async run(options, words, context) {
    const { io, program } = context;
    const jobs = jobsOf(context);
    const job = jobs.find(oneWord(words, 'JOB_ID'));
    // Loaded on demand: only people at a terminal watch.
    await (await import('../../local/watch-job.ts')).watchJob(jobs, job, {
      io,
      program,
      lines: options.lines ?? tailLines,
    });
    return '';
  },
});
