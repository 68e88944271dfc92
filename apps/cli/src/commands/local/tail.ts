import { pathOf } from '@kanade/runner';
import { defineCommand, goOn, oneWord, UsageError } from '../../call/command.ts';
import { compressionFields, compressionMode, compressOptions } from '../../compress/compress.ts';
import { excerptBytes, jobsOf, tailLines, tailsOf } from '../../local/observation.ts';
import { readConfig } from '../../local/settings.ts';

export const tail = defineCommand({
  name: 'tail',
  summary: 'the last lines of a job’s output',
  usage: 'JOB_ID',
  options: {
    'tail-lines': { kind: 'count', value: 'N', help: `lines per stream, 0 = no limit (default ${tailLines})` },
    lines: { kind: 'count', value: 'N', help: 'the same as --tail-lines' },
    ...compressOptions,
    'max-bytes': { kind: 'count', value: 'N', help: `bytes per stream (default ${excerptBytes})` },
  },
  examples: ['kanade tail 3f2a9c1', 'kanade tail --lines 5 3f2a9c1'],
  run(options, words, context) {
    if (options['tail-lines'] !== undefined && options.lines !== undefined) {
      throw new UsageError('--tail-lines and --lines are the same option: give one of them');
    }
    compressionMode(options);
    const lines = options['tail-lines'] ?? options.lines ?? tailLines;
    // For its errors: a configuration file that is wrong is wrong for every command that has settings there.
    return goOn(readConfig(context.io.env, undefined), () => {
      const jobs = jobsOf(context);
      const job = jobs.find(oneWord(words, 'JOB_ID'));
      const tails = tailsOf(jobs, job, options['max-bytes'] ?? excerptBytes, lines);
      return {
        type: 'tail',
        job_id: job.id,
        ...tails,
        stdout_log_path: pathOf(job, 'stdout'),
        stderr_log_path: pathOf(job, 'stderr'),
        ...compressionFields(options, tails),
      };
    });
  },
});
