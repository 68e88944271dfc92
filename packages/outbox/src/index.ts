export type { Deliver, DeliverContext } from './drain/delivery.ts';
export type { DrainOptions, DrainReport } from './drain/drain.ts';
export type { Clock } from './outbox/clock.ts';
export { OutboxError, type OutboxErrorCode, type OutboxErrorOptions } from './outbox/error.ts';
export type { DropReason, OutboxEvent } from './outbox/event.ts';
export type { OutboxLimits } from './outbox/limits.ts';
export {
  type EnqueueOutcome,
  type ListOptions,
  type OpenOutboxOptions,
  type Outbox,
  openOutbox,
} from './outbox/open-outbox.ts';
export type { Counts, RecordSummary, Selection, Tally } from './store/inspect.ts';
export type { OutboxRecord } from './store/record.ts';
export type { QueuedRecord, RecordState } from './store/records.ts';
