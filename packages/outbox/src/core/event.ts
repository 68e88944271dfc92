import { createTell } from '@kanade/durable';
import type { OutboxError } from './error.ts';

/** Why a record left the store without having been delivered. */
export type DropReason = 'expired' | 'over_budget' | 'quarantine_full' | 'by_caller';

/** What an outbox reports. Events come after the commit they speak of, never for what was rolled back. */
export type OutboxEvent =
  | { readonly type: 'delivered'; readonly records: number }
  | {
      readonly type: 'failed';
      readonly id: string;
      readonly attempts: number;
      readonly retryAtMs: number;
      readonly reason: string;
    }
  | { readonly type: 'quarantined'; readonly id: string; readonly attempts: number; readonly reason: string }
  | { readonly type: 'dropped'; readonly id: string; readonly bytes: number; readonly reason: DropReason }
  /** The drainer could not commit what was delivered (full disk, lock); it keeps trying and delivers nothing new meanwhile. */
  | { readonly type: 'stalled'; readonly error: OutboxError }
  /** The file was damaged and replaced; only of an outbox that opened its file itself. */
  | {
      readonly type: 'salvaged';
      readonly path: string;
      /** Where the damaged file is kept, its WAL beside it. */
      readonly setAsidePath: string;
      readonly reason: string;
      readonly records: number;
      /** Records that could not be read, or null where the damage hides how many there were. */
      readonly lostRecords: number | null;
    };

export type Emit = (event: OutboxEvent) => void;

export function droppedEvent({
  id,
  bytes,
  reason,
}: Pick<OutboxEvent & { type: 'dropped' }, 'id' | 'bytes' | 'reason'>) {
  return { type: 'dropped', id, bytes, reason } as const;
}

/** Hands events to the caller's listener; one that fails loses its event and nothing else. */
export const createEmit = (onEvent: ((event: OutboxEvent) => unknown) | undefined): Emit =>
  createTell(onEvent, { of: 'an outbox', type: 'OutboxWarning', code: 'OUTBOX_LISTENER_FAILED' });
