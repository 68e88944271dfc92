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
  const waiting = new Set<JobDir>();
  let timer: NodeJS.Timeout | undefined;
  let isBusy = false;
  const turn = async (): Promise<void> => {
    timer = undefined;
    isBusy = true;
    const startedMs = performance.now();
    const jobs = [...waiting];
    waiting.clear();
    try {
      await encloseJobs(jobs);
    } catch (error) {
      for (const job of jobs) onTrouble(job, error);
    }
    isBusy = false;
    schedule((performance.now() - startedMs) * pausePerWork);
  };
  const schedule = (pauseMs: number): void => {
    if (isBusy || waiting.size === 0) return;
    // Nobody waits for it: whoever watches over the job next does what is left undone.
    timer ??= setTimeout(turn, Math.min(Math.max(encloseAfterMs, pauseMs), pauseMsMax)).unref();
  };
  return {
    add(job) {
      waiting.add(job);
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
