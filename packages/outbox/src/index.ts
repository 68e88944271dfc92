export type { Clock } from '@kanade/durable';
export {
  type EnqueueOutcome,
  type OpenOutboxOptions,
  type Outbox,
  type OutboxAtPath,
  type OutboxInFile,
  openOutbox,
} from './api/open-outbox.ts';
export {
  type ExportOptions,
  type InspectOptions,
  inspectOutbox,
  type ListOptions,
  type OutboxInspector,
  type OutboxLook,
  type VerifyOptions,
} from './api/reading.ts';
export type { OutboxRepair } from './api/repair.ts';
export { OutboxError, type OutboxErrorCode } from './core/error.ts';
export type { DropReason, OutboxEvent } from './core/event.ts';
export type { OutboxLimits } from './core/limits.ts';
export type { Deliver, DeliverContext } from './drain/deliver.ts';
export type { DrainOptions, DrainReport } from './drain/drain.ts';
export type { Selection } from './rows/choose.ts';
export type { DropEntry } from './rows/drops.ts';
export { outboxPart } from './rows/part.ts';
export type { OutboxRecord, QueuedRecord, RecordState } from './rows/record.ts';
export type { Tally } from './rows/store.ts';
export type { Counts, RecordSummary } from './rows/summary.ts';
export type { ExportedRecord, VerifyReport } from './rows/whole-rows.ts';
