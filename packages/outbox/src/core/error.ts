import { DurableError, type DurableErrorCode } from '@kanade/durable';

/** Why an outbox could not do what it was asked. Codes are stable; messages may change. */
export type OutboxErrorCode =
  | 'busy'
  | 'cannot_open'
  | 'closed'
  | 'damaged'
  | 'deliver_timeout'
  | 'disk_full'
  | 'drainer_exists'
  | 'foreign_table'
  | 'id_conflict'
  | 'io_failed'
  | 'newer_version'
  | 'no_outbox'
  | 'older_version'
  | 'over_budget'
  | 'read_only'
  | 'record_too_large';

export interface OutboxErrorOptions {
  readonly cause?: unknown;
  /** For `over_budget`, `record_too_large` and a full commit queue: the limit that was hit, and by what. */
  readonly exceeded?: { readonly limit: string; readonly maximum: number; readonly actual: number };
}

/** Every failure of this package except programmer mistakes, which are TypeError and RangeError. */
export class OutboxError extends Error {
  override readonly name = 'OutboxError';
  readonly code: OutboxErrorCode;
  readonly exceeded: OutboxErrorOptions['exceeded'];

  constructor(code: OutboxErrorCode, message: string, options: OutboxErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.exceeded = options.exceeded;
  }
}

/** Codes of the file that are called otherwise here. */
const renamed: Partial<Record<DurableErrorCode, OutboxErrorCode>> = { no_file: 'no_outbox', locked: 'busy' };

/** What the durable file says, as an error of the outbox in it; every other error comes back as it is. */
export function asOutboxError(error: unknown): unknown {
  if (!(error instanceof DurableError)) return error;
  const code = renamed[error.code] ?? (error.code as OutboxErrorCode);
  return new OutboxError(code, error.message, { cause: error, ...(error.exceeded && { exceeded: error.exceeded }) });
}
