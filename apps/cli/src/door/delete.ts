import type { Deletion, Jobs } from '@kanade/runner';
import type { Answer } from '../call/command.ts';

/** Deletes a job that does not run. `id` is one, or the beginning of one. Throws `JobError`. */
export const answerDelete = (jobs: Jobs, id: string, dryRun: boolean): Answer =>
  answerOf(jobs.root, dryRun, [jobs.delete(jobs.find(id), { dryRun })], {});

/** Deletes every ended job of a working directory. */
export function answerDeleteAll(jobs: Jobs, scope: string, dryRun: boolean): Answer {
  const { jobs: deletions, outOfScope } = jobs.deleteAll(scope, { dryRun });
  return answerOf(jobs.root, dryRun, deletions, { scope, outOfScope });
}

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
