import type { UserInvokableJob } from '@kanade/shared/local';
import type { RunView } from '../../run/runs.ts';

/** A run whose job is no longer offered goes by its job's id. */
export function runName(run: RunView, job: UserInvokableJob | undefined): string {
  return job?.display_name ?? run.job_id ?? run.run_id;
}
