/**
 * Gives the jobs of a program their control groups, many at once: each time takes a look at every process of the machine, so
 * who meets a thousand jobs is not to make a thousand of them.
 */
import { encloseAfterMs } from '../process/enclose.ts';
import { encloseJobs } from './enclose.ts';
import type { JobDir } from './layout.ts';

export interface Encloser {
  /** Takes a job in; call the answer when it needs no group any more. */
  add(job: JobDir): () => void;
}

/** The pause behind a turn is so many times as long as the turn took, and at most so many ms. */
const [pausePerWork, pauseMsMax] = [10, 1_000];

export function createEncloser(onTrouble: (job: JobDir, error: unknown) => void): Encloser {
  /** Since when, in ms; oldest first. */
  const waiting = new Map<JobDir, number>();
  let timer: NodeJS.Timeout | undefined;
  let isBusy = false;
  const turn = async (): Promise<void> => {
    timer = undefined;
    isBusy = true;
    const startedMs = performance.now();
    const jobs = [...waiting.keys()].filter((job) => ageOf(job) >= encloseAfterMs);
    for (const job of jobs) waiting.delete(job);
    try {
      await encloseJobs(jobs);
    } catch (error) {
      for (const job of jobs) onTrouble(job, error);
    }
    isBusy = false;
    schedule((performance.now() - startedMs) * pausePerWork);
  };
  const ageOf = (job: JobDir): number => performance.now() - (waiting.get(job) ?? 0);
  const schedule = (pauseMs: number): void => {
    const [oldest] = waiting.keys();
    if (isBusy || !oldest) return;
    const dueMs = Math.ceil(encloseAfterMs - ageOf(oldest)) + 1;
    // Nobody waits for it: whoever watches over the job next does what is left undone.
    timer ??= setTimeout(turn, Math.max(dueMs, Math.min(pauseMs, pauseMsMax))).unref();
  };
  return {
    add(job) {
      waiting.set(job, performance.now());
      schedule(0);
      return () => {
        waiting.delete(job);
        if (waiting.size > 0) return;
        clearTimeout(timer);
        timer = undefined;
      };
    },
  };
}
