/** Deadlines of who waits for a job, and what is said meanwhile. */
import type { JobDir, Jobs } from '@kanade/runner';
import { shortJobId } from '@kanade/shared/job-words';
import { sizeOf } from '../answer/ink.ts';
import type { Waiting } from '../call/command.ts';

/** Longest time of a timer, in ms: 24 days. */
const timerMsMax = 2 ** 31 - 1;

/** A deadline in ms; undefined, which is none, for one that no timer can keep. */
export function deadlineMs(seconds: number): number | undefined {
  return seconds * 1000 > timerMsMax ? undefined : seconds * 1000;
}

/** Told what is waited for as soon as it is known which job that is. */
export type OnWaiting = ((waiting: Waiting) => void) | undefined;

/** Resolves when output may be read: who answers for many holds only so many answers at one time. */
export type BeforeReading = (() => Promise<void>) | undefined;

/** What the line on a terminal says of a job that is waited for. */
export const waitingFor = (jobs: Jobs, job: JobDir): Waiting => ({
  what: shortJobId(job.id),
  how: () => `${sizeOf(jobs.describe(job).logBytes)} printed`,
});
