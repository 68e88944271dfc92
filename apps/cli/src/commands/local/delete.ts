import { defineCommand, UsageError } from '../../call/command.ts';
import { answerDelete, answerDeleteAll } from '../../door/delete.ts';
import { jobsOf } from '../../local/observation.ts';
import { canonical } from '../../local/settings.ts';

export const deleteCommand = defineCommand({
  name: 'delete',
  summary: 'delete a job, or all ended jobs of this directory',
  usage: 'JOB_ID | --all',
  options: {
    all: { kind: 'flag', help: 'every ended job of the current directory' },
    'dry-run': { kind: 'flag', help: 'only say what would go' },
  },
  examples: ['kanade delete 3f2a9c1', 'kanade delete --all --dry-run'],
  run(given, words, context) {
    if (words.length > 1) throw new UsageError(`unexpected word ${JSON.stringify(words[1])}`);
    if ((words.length === 1) === (given.all === true)) throw new UsageError('give JOB_ID or --all, one of them');
    const dryRun = given['dry-run'] === true;
    const jobs = jobsOf(context);
    return given.all
      ? answerDeleteAll(jobs, canonical(context.cwd), dryRun)
      : answerDelete(jobs, words[0] ?? '', dryRun);
  },
});
