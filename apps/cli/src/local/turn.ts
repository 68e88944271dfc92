/** A job that takes its turn: in a queue, or behind other jobs. */
import { isQueueName } from '@kanade/shared/job-words';
import { UsageError } from '../call/command.ts';

export const turnOptions = {
  queue: {
    kind: 'text',
    value: 'NAME',
    help: 'take a turn in this queue: one job at a time, or as many as it has slots',
  },
  after: { kind: 'texts', value: 'JOB', help: 'start when this job has exited with 0; repeatable' },
  'after-any': { kind: 'texts', value: 'JOB', help: 'start when this job has ended, however; repeatable' },
} as const;

/** What the help says of jobs that wait. */
export const turnRule = `With --queue, --after or --after-any the job is put into line, and starts in its turn with the environment and the input of this call; until then its state is created, and answers say
queue, position, after and waits_for. When a job that it waits for with --after does not exit with 0, or one of both kinds is gone, it ends without having been started (failed, ending not_started, error
names that job), as does what waits for it. Observing it counts from this call; --no-wait answers at once.`;

/** Refuses a name that no queue can have. */
export function checkQueueName(name: string | undefined): void {
  if (name !== undefined && !isQueueName(name))
    throw new UsageError(
      `not a name of a queue: ${JSON.stringify(name)}; letters, digits, - and _, a letter or digit first, at most 64`,
    );
}
