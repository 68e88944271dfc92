/** What the libraries of the agent report, as lines of its log. */
import { type DurableEvent, lastLoss } from '@kanade/durable';
import type { JobsEvent } from '@kanade/runner';
import type { Logger } from '../config/logger.ts';

/** Damage of the agent's file, and what it may have cost. */
export function reportFile(event: DurableEvent, log: Logger, lost: { atMs: number | undefined }): void {
  if (event.type === 'reserve_used') {
    log.warn({ event }, 'the disk is full: the room kept for endings is used');
    return;
  }
  const loss = lastLoss([event]);
  lost.atMs = loss?.atMs ?? lost.atMs;
  const texts = [
    'the file of this agent was damaged and is replaced by what could be read of it: nothing is missing',
    'the file of this agent was damaged and is replaced by what could be read of it: something may be missing',
  ];
  log.error({ event }, texts[loss === undefined ? 0 : 1]);
}

/** What the keeper could not do, and runs that took too long. */
export function reportJob(event: JobsEvent, log: Logger): void {
  if (event.kind === 'trouble')
    log.error({ err: event.error, job_id: event.job.id, during: event.during }, 'a job could not be watched over');
  else if (event.kind === 'timed_out')
    log.warn({ job_id: event.job.id, report: event.outcome.report }, 'run timed out');
}
