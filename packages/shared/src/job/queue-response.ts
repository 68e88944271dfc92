/** Answers about queues of this machine. Ours: the contract has none. */
import * as z from 'zod';
import { amount, envelope } from './envelope.ts';

/** One queue: ids of the jobs that run in it and of those that wait, in the order of the line. */
const QueueEntry = z.looseObject({
  queue: z.string(),
  slots: amount,
  running: z.array(z.string()),
  waiting: z.array(z.string()),
});

export const QueueListResponse = envelope('queue.list', { root: z.string(), queues: z.array(QueueEntry) });
export type QueueListResponse = z.infer<typeof QueueListResponse>;

export const QueueSetResponse = envelope('queue.set', { queue: z.string(), slots: amount });
export type QueueSetResponse = z.infer<typeof QueueSetResponse>;
