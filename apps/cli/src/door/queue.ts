import type { Jobs } from '@kanade/runner';
import type { Answer } from '../call/command.ts';

/** The queues of a root: their slots, who runs in them and who waits, in the order of the line. */
export const answerQueues = (jobs: Jobs): Answer => ({
  type: 'queue.list',
  root: jobs.root,
  queues: jobs.queues().map(({ name, slots, running, waiting }) => ({ queue: name, slots, running, waiting })),
});

/** Says how many jobs of a queue may run at the same time. Throws `JobError`. */
export function answerSetQueue(jobs: Jobs, queue: string, slots: number): Answer {
  jobs.setQueue(queue, { slots });
  return { type: 'queue.set', queue, slots };
}
