/** Job directories that nobody needs any more: of runs that ended long ago or are too much, and of launches that were cut off. */
import { existsSync, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Jobs } from '@kanade/runner';
import { isJobName, isTerminal } from '@kanade/shared/job-words';
import type { Logger } from '../config/logger.ts';
import { limits } from '../limits.ts';
import type { Ledger, Stray } from '../store/ledger.ts';
import { tagOf } from './launch.ts';

export interface RunPruneOptions {
  readonly ledger: Pick<Ledger, 'forget' | 'jobIds'>;
  readonly jobs: Jobs;
  readonly log: Logger;
}

/** Runs forgotten in one transaction. */
const batchMax = 100;

/**
 * Forgets runs that ended long ago, with their orders and their output. Job directories go after the commit that forgets
 * them, one per turn of the event loop.
 */
export async function pruneRuns({ ledger, jobs, log }: RunPruneOptions, nowMs: number): Promise<void> {
  let count = 0;
  for (;;) {
    const forgotten = ledger.forget(nowMs - limits.keepEndedMs, batchMax);
    for (const { jobId } of forgotten) {
      if (jobId !== null) remove(jobs, jobId, log);
      await nextTurn();
    }
    count += forgotten.length;
    if (forgotten.length < batchMax) break;
  }
  if (count > 0) log.info({ count }, 'forgot runs that ended long ago');
}

export interface BudgetOptions {
  readonly ledger: Pick<Ledger, 'endedJobs' | 'dropJob'>;
  readonly jobs: Jobs;
  readonly log: Logger;
  /** What the directories of ended runs may take, in bytes. */
  readonly bytesMax: number;
}

/**
 * Keeps the directories of ended runs below a budget: over it the oldest go, one per turn of the event loop; a running one never does,
 * nor the order or the result of one that went. What a directory takes is measured once, after its run has ended.
 */
export function createJobBudget({ ledger, jobs, log, bytesMax }: BudgetOptions): { enforce(): Promise<void> } {
  let measured = new Map<string, number>();
  return {
    async enforce() {
      const now = new Map<string, number>();
      let total = 0;
      for (const id of ledger.endedJobs()) {
        const known = measured.get(id);
        const bytes = known ?? bytesOf(jobs.at(id).path);
        now.set(id, bytes);
        total += bytes;
        if (known === undefined) await nextTurn();
      }
      measured = now;
      let count = 0;
      for (const [id, bytes] of now) {
        if (total <= bytesMax) break;
        // In this order, and only what went: a directory that no run names would look like one that the ledger has lost.
        if (!remove(jobs, id, log)) continue;
        ledger.dropJob(id);
        measured.delete(id);
        total -= bytes;
        count++;
        await nextTurn();
      }
      if (count > 0)
        log.warn({ count, bytes_max: bytesMax }, 'output of the oldest ended runs went: the budget is used up');
    },
  };
}

function bytesOf(dir: string): number {
  try {
    return readdirSync(dir).reduce((sum, name) => sum + lstatSync(join(dir, name)).blocks * 512, 0);
  } catch {
    return 0; // gone, or going
  }
}

/**
 * Looks at the directories that no run names. One whose launch never began goes, and so does one that pruning left. Returns the
 * others: their runs were launched, and the ledger does not know them any more.
 */
export function sweepJobs({ ledger, jobs, log }: RunPruneOptions, nowMs: number): Stray[] {
  const known = ledger.jobIds();
  const strays: Stray[] = [];
  for (const id of jobNamesIn(jobs.root)) {
    if (known.has(id)) continue;
    const { job, status, state } = jobs.settle(jobs.at(id));
    const endedAtMs = Date.parse(state?.finished_at ?? '');
    if (status === 'created' || (isTerminal(status) && endedAtMs < nowMs - limits.keepEndedMs)) remove(jobs, id, log);
    else {
      const tag = jobs.definition(job)?.tags.find((text) => text.startsWith(tagOf('')));
      if (tag !== undefined) strays.push({ jobId: id, runId: tag.slice(tagOf('').length) });
    }
  }
  return strays;
}

function jobNamesIn(root: string): string[] {
  try {
    return readdirSync(root).filter(isJobName);
  } catch {
    return []; // made with the first job
  }
}

/** False, with a line in the log, when it could not be removed. */
function remove(jobs: Jobs, id: string, log: Logger): boolean {
  try {
    const job = jobs.at(id);
    if (existsSync(job.path)) jobs.delete(job);
    return true;
  } catch (error) {
    log.warn({ err: error, job_id: id }, 'the directory of a job could not be removed');
    return false;
  }
}
