/** Going on with a job that an earlier agent has begun. */
import type { JobDir, Jobs, JobView } from '@kanade/runner';
import { limits } from '../limits.ts';
import type { Ledger } from '../store/ledger.ts';
import { type JobOutcome, notStarted, type OpenRun, type Outcome } from './model.ts';

export interface AdoptPorts {
  readonly jobs: Pick<Jobs, 'at' | 'settle' | 'wait' | 'delete'>;
  readonly ledger: Pick<Ledger, 'notLaunched'>;
  /** The boot of the machine that lasts. */
  readonly boot: string;
  /** Its processes are there: watches over them until the ending is known. */
  readonly follow: (found: { job: JobDir; startedAtMs: number; attempt: number }) => Promise<JobOutcome>;
  readonly outcomeOf: (view: JobView) => JobOutcome;
  /** Called when there is a job, be it running or over. */
  readonly onFound: () => void;
  /** Removes the directory of an attempt that counts no more. */
  readonly drop: (jobId: string) => void;
  readonly signal: AbortSignal;
}

/** Resolves with how the newest attempt ended that was started; nothing was, if none ever was. */
export async function adopt(open: OpenRun, ports: AdoptPorts): Promise<Outcome | 'never_started'> {
  const { jobs, ledger, boot, follow, outcomeOf, onFound, drop, signal } = ports;
  const { jobId, earlierJobId, retries = 0 } = open;
  if (jobId === undefined) {
    return open.state === 'admitted'
      ? 'never_started'
      : { kind: 'unknown', reason: 'what was known of it was damaged' };
  }
  const attempted = (outcome: JobOutcome, count = retries): JobOutcome =>
    count > 0 ? { ...outcome, retried: { ...outcome.retried, count } } : outcome;
  const earlier = (id: string): JobOutcome => outcomeOf(jobs.settle(jobs.at(id)));
  const job = jobs.at(jobId);
  let view = jobs.settle(job);
  // A launch that was cut off leaves a record that is still empty; the shim fills it at once if there is one.
  if (view.status === 'created') view = await jobs.wait(job, { timeoutMs: limits.launchRecordWaitMs, signal });
  if (view.status === 'running') {
    onFound();
    if (earlierJobId !== undefined) drop(earlierJobId);
    return attempted(await follow({ job, startedAtMs: view.state?.started_at_ms ?? Date.now(), attempt: retries }));
  }
  if (view.status !== 'created') {
    onFound();
    const { ending } = view.state ?? {};
    if (earlierJobId === undefined) return attempted(outcomeOf(view));
    if (ending?.kind !== 'not_started') {
      drop(earlierJobId);
      return attempted(outcomeOf(view));
    }
    return { ...earlier(earlierJobId), retried: { count: retries - 1, refusal: notStarted(ending.reason) } };
  }
  // What a disk holds after the power went does not say that nothing was started.
  if (open.boot !== boot) return { ...outcomeOf(view), state: undefined };
  // Before its directory goes: a run that names none that is there counts as one whose end nobody knows.
  ledger.notLaunched(open.run.runId);
  jobs.delete(job);
  if (earlierJobId === undefined) return 'never_started';
  onFound();
  return attempted(earlier(earlierJobId), retries - 1);
}
