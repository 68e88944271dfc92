import type { Deletion } from '@kanade/runner';
import { type Answer, defineCommand, UsageError } from '../../call/command.ts';
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
    const { root, cwd } = context;
    if (words.length > 1) throw new UsageError(`unexpected word ${JSON.stringify(words[1])}`);
    if ((words.length === 1) === (given.all === true)) throw new UsageError('give JOB_ID or --all, one of them');
    const dryRun = given['dry-run'] === true;
    const jobsHere = jobsOf(context);
    if (!given.all) return answerOf(root, dryRun, [jobsHere.delete(jobsHere.find(words[0] ?? ''), { dryRun })], {});
    const scope = canonical(cwd);
    const { jobs, outOfScope } = jobsHere.deleteAll(scope, { dryRun });
    return answerOf(root, dryRun, jobs, { scope, outOfScope });
  },
});

function answerOf(
  root: string,
  dryRun: boolean,
  jobs: readonly Deletion[],
  { scope, outOfScope = 0 }: { scope?: string; outOfScope?: number },
): Answer {
  return {
    type: 'delete',
    root,
    dry_run: dryRun,
    ...(scope === undefined ? {} : { cwd_scope: scope }),
    deleted: jobs.filter(({ action }) => action === 'deleted').length,
    skipped: jobs.filter(({ action }) => action === 'skipped').length,
    out_of_scope: outOfScope,
    failed: jobs.filter(({ reason }) => reason.startsWith('delete_failed')).length,
    jobs: jobs.map(({ jobId, state, action, reason }) => ({ job_id: jobId, state, action, reason })),
  };
}
