/* A run that should have ended long ago and of which nothing was heard. It is said, and nothing is decided: a push that comes later is right. */
import type { UserInvokableJob } from '@kanade/shared/local';
import { isEnded } from '@kanade/shared/local-words';
import type { RunView } from '../../run/runs.ts';

/** Time after its limit in which the end of a run may still come; time for a run whose limit nobody said. In ms. */
const watchdogMs = { grace: 60_000, withoutLimit: 15 * 60_000 } as const;

/** When nothing more is to be expected of the run, ms since 1970; undefined when it has ended or is not running yet. */
export function overdueAtMs(run: RunView, job: UserInvokableJob | undefined): number | undefined {
  if (isEnded(run.status) || run.status === 'queued') return undefined;
  if (job?.timeout_secs !== undefined) return Date.parse(run.started_at) + job.timeout_secs * 1000 + watchdogMs.grace;
  return Date.parse(run.heard_at) + watchdogMs.withoutLimit;
}
