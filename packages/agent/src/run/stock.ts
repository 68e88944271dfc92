/** The ledger and the job directories, brought together at the start of an agent and kept within their bounds. */
import { limits } from '../limits.ts';
import type { Ledger } from '../store/ledger.ts';
import type { OpenRun } from './model.ts';
import {
  type BudgetOptions,
  createJobBudget,
  type ForgetOptions,
  pruneRuns,
  type RunPruneOptions,
  sweepJobs,
} from './prune.ts';

export interface KeepPruningOptions extends ForgetOptions, Pick<BudgetOptions, 'onLost'> {
  readonly ledger: Ledger;
  /** What else is forgotten from time to time. */
  readonly onPrune: (nowMs: number) => Promise<void>;
}

/** Forgets old runs now and from time to time. */
export function keepPruning(options: KeepPruningOptions): Disposable {
  const { endedBytesMax: bytesMax, waitingBytesMax } = limits;
  const budget = createJobBudget({ ...options, bytesMax, waitingBytesMax });
  const enforce = (): void => {
    budget.enforce().catch((error: unknown) => {
      options.log.error({ err: error }, 'the budget of old runs could not be kept; it is looked at again');
    });
  };
  const looks = setInterval(enforce, limits.budgetEveryMs);
  const prune = (): void => {
    const nowMs = Date.now();
    const pruned = pruneRuns(options, nowMs).then(() => options.onPrune(nowMs));
    pruned.catch((error: unknown) => {
      options.log.error({ err: error }, 'old runs could not be forgotten; they are kept');
    });
  };
  const timer = setInterval(prune, limits.pruneEveryMs);
  prune();
  enforce();
  return {
    [Symbol.dispose]() {
      clearInterval(timer);
      clearInterval(looks);
    },
  };
}

/** Brings the ledger and the job directories together; returns the runs to go on with. */
export function takeStock(options: RunPruneOptions & { readonly ledger: Ledger }): OpenRun[] {
  const { ledger, jobs, log } = options;
  const strays = sweepJobs(options, Date.now());
  ledger.recover(strays);
  const open = ledger.open();
  const known = new Set(open.map(({ run }) => run.runId));
  const unknown = strays.filter((stray) => !known.has(stray.runId));
  // They go on with what they were promised, and nobody can be told how they end.
  for (const { jobId } of unknown) jobs.adopt(jobs.at(jobId)).catch(() => undefined); // reported as an event
  if (unknown.length > 0) {
    const job_ids = unknown.slice(0, limits.loggedIdsMax).map(({ jobId }) => jobId);
    log.error(
      { count: unknown.length, job_ids },
      'jobs belong to no run that is known: what this agent knew was lost, and orders that it may have run end as lost',
    );
  }
  return open;
}
