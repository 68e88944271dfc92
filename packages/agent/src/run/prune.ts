/** Job directories that nobody needs any more: of runs that ended long ago or are too much, and of launches that were cut off. */
import { existsSync, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Jobs } from '@kanade/runner';
import { isJobName, isTerminal } from '@kanade/shared/job-words';
import type { Logger } from '../config/logger.ts';
import { limits } from '../limits.ts';
import type { Stray } from '../store/doubt.ts';
import type { Ledger } from '../store/ledger.ts';
import { tagOf } from './launch.ts';
import type { HeldJobs } from './model.ts';

export interface RunPruneOptions {
  readonly ledger: Pick<Ledger, 'forget' | 'jobIds'>;
  readonly jobs: Jobs;
  readonly log: Logger;
}

/** Runs forgotten in one transaction. */
const batchMax = 100;

export interface ForgetOptions extends RunPruneOptions {
  /** What results are still made from. */
  readonly held: () => Promise<HeldJobs>;
}

/**
 * Forgets runs that ended long ago, with their orders and their output, but for those whose result needs that and has not been
 * delivered. Job directories go after the commit that forgets them, one per turn of the event loop.
 */
export async function pruneRuns({ ledger, jobs, log, held }: ForgetOptions, nowMs: number): Promise<void> {
  const { waitingRuns } = await held();
  let count = 0;
  for (;;) {
    const forgotten = ledger.forget(nowMs - limits.keepEndedMs, batchMax, waitingRuns);
    for (const { jobIds } of forgotten) {
      for (const jobId of jobIds) remove(jobs, jobId, log);
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
  readonly held: () => Promise<HeldJobs>;
  /** Told of output that went before it was delivered: its result says so. */
  readonly onLost: (lost: { count: number; bytes: number }) => void;
  /** What the directories of ended runs may take, in bytes. */
  readonly bytesMax: number;
  /** What they may take while results that wait for the broker need them, in bytes. */
  readonly waitingBytesMax: number;
}

/** Sizes of directories, the oldest first, and their sum. */
interface Measured {
  readonly bytes: Map<string, number>;
  total: number;
}

/**
 * Keeps the directories of ended runs below a budget, one per turn of the event loop. Over it go, each group from its oldest: those
 * that nobody needs; those of results that were delivered and may have to be sent again; of those that wait for the broker what the
 * result does not show, and only above `waitingBytesMax` the rest, which is output that nobody will see. A running one never goes, nor
 * the order or the result of one that went. What a directory takes is measured once, after its run has ended.
 */
export function createJobBudget(options: BudgetOptions): { enforce(): Promise<void> } {
  const { ledger, jobs, log, held, onLost, bytesMax, waitingBytesMax } = options;
  let known = new Map<string, number>();
  const drop = async (measured: Measured, ids: readonly string[], max: number) => {
    const lost = { count: 0, bytes: 0 };
    for (const id of ids) {
      if (measured.total <= max) break;
      // In this order, and only what went: a directory that no run names would look like one that the ledger has lost.
      if (!remove(jobs, id, log)) continue;
      ledger.dropJob(id);
      const bytes = measured.bytes.get(id) ?? 0;
      measured.bytes.delete(id);
      measured.total -= bytes;
      lost.count++;
      lost.bytes += bytes;
      await nextTurn();
    }
    return lost;
  };
  return {
    async enforce() {
      const measured = await measure(options, known);
      known = measured.bytes;
      if (measured.total <= bytesMax) return;
      const { waiting, kept } = await held();
      const rankOf = (id: string): number => (waiting.has(id) ? 2 : kept.has(id) ? 1 : 0);
      const [free = [], resent = [], needed = []] = [0, 1, 2].map((rank) =>
        [...measured.bytes.keys()].filter((id) => rankOf(id) === rank),
      );
      const { count } = await drop(measured, [...free, ...resent], bytesMax);
      if (count > 0)
        log.warn({ count, bytes_max: bytesMax }, 'output of the oldest ended runs went: the budget is used up');
      if (measured.total > bytesMax) await trim(options, measured, needed);
      const lost = await drop(measured, needed, waitingBytesMax);
      if (lost.count > 0) onLost(lost);
    },
  };
}

/** What lies there, by what is known of it. */
async function measure({ ledger, jobs }: BudgetOptions, known: ReadonlyMap<string, number>): Promise<Measured> {
  const measured = { bytes: new Map<string, number>(), total: 0 };
  for (const id of ledger.endedJobs()) {
    const bytes = known.get(id) ?? bytesOf(jobs.at(id).path);
    measured.bytes.set(id, bytes);
    measured.total += bytes;
    if (!known.has(id)) await nextTurn();
  }
  return measured;
}

/** Of logs that are longer than a result shows the middle goes. */
async function trim({ jobs, log }: BudgetOptions, measured: Measured, ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    const before = measured.bytes.get(id) ?? 0;
    if (before <= limits.trimmedJobBytes) continue;
    try {
      await jobs.trim(jobs.at(id), limits.trimmedJobBytes);
    } catch (error) {
      log.warn({ err: error, job_id: id }, 'the output of a job could not be trimmed');
    }
    const after = bytesOf(jobs.at(id).path);
    measured.bytes.set(id, after);
    measured.total += after - before;
  }
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
  const strays = new Map<string, Stray & { readonly startedAtMs: number }>();
  for (const id of jobNamesIn(jobs.root)) {
    if (known.has(id)) continue;
    const { job, status, state } = jobs.settle(jobs.at(id));
    const endedAtMs = Date.parse(state?.finished_at ?? '');
    if (status === 'created' || (isTerminal(status) && endedAtMs < nowMs - limits.keepEndedMs)) remove(jobs, id, log);
    else {
      const tag = jobs.definition(job)?.tags.find((text) => text.startsWith(tagOf('')));
      if (tag === undefined) continue;
      const stray = { jobId: id, runId: tag.slice(tagOf('').length), startedAtMs: state?.started_at_ms ?? 0 };
      // Of a run that was tried again the newest attempt counts.
      const other = strays.get(stray.runId);
      const [older, newer] = other && other.startedAtMs > stray.startedAtMs ? [stray, other] : [other, stray];
      if (older) remove(jobs, older.jobId, log);
      strays.set(stray.runId, newer);
    }
  }
  return [...strays.values()].map(({ jobId, runId }) => ({ jobId, runId }));
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
