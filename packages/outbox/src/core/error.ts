import { DurableError, type DurableErrorCode, type DurableErrorOptions } from '@kanade/durable';

/** Why an outbox could not do what it was asked: what the file says, and words of its own. Codes are stable; messages may change. */
export type OutboxErrorCode =
  | Exclude<DurableErrorCode, 'no_file' | 'locked'>
  | 'deliver_timeout'
  | 'drainer_exists'
  | 'foreign_table'
  | 'id_conflict'
  | 'no_outbox'
  /** For `deliver` to reject with. */
  | 'not_now'
  | 'over_budget'
  | 'record_too_large';

/** Every failure of this package except programmer mistakes, which are TypeError and RangeError. */
export class OutboxError extends Error {
  override readonly name = 'OutboxError';
  readonly code: OutboxErrorCode;
  /** For `over_budget`, `record_too_large` and a full commit queue: the limit that was hit, and by what. */
  readonly exceeded: DurableErrorOptions['exceeded'];

  constructor(code: OutboxErrorCode, message: string, options: DurableErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.exceeded = options.exceeded;
  }
}

/** What the durable file says, as an error of the outbox in it; every other error comes back as it is. */
export function asOutboxError(error: unknown): unknown {
  if (!(error instanceof DurableError)) return error;
  // A file that is missing is an outbox that is missing, and one that somebody has alone is busy.
  const code = error.code === 'no_file' ? 'no_outbox' : error.code === 'locked' ? 'busy' : error.code;
  return new OutboxError(code, error.message, { cause: error, ...(error.exceeded && { exceeded: error.exceeded }) });
}
