import type { QueuedRecord } from '../rows/record.ts';

export interface DeliverContext {
  /** Aborted when the attempt's time is over or the drain stops. */
  readonly signal: AbortSignal;
  /** When the attempt's time is over, milliseconds since 1970. */
  readonly deadlineMs: number;
}

/**
 * Resolves when the other side has the record; anything it rejects with is a failed attempt. Only with OutboxError `not_now`
 * nothing counts: the other side has no room for this record, and takes others. Where it resolves with a text, that is a
 * receipt: the record is kept with it, within `keptRecordsMax` and `keptBytesMax`, to be replayed when the other side turns
 * out to have lost it and dropped when it no longer can. One with `orderKey` or `expiresAtMs` is never kept.
 */
export type Deliver = (record: QueuedRecord, context: DeliverContext) => Promise<unknown>;

/** Attempts at the same time: in all, and of records with a priority below 0. */
export interface Concurrency {
  readonly all: number;
  readonly low: number;
}
