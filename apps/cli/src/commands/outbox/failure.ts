import { OutboxError } from '@kanade/outbox';
import { type Failing, printError } from '../../answer/envelope.ts';
import type { Io } from '../../io.ts';

/** Codes that the outbox commands add to those of the library. */
export type FailureCode = 'file_exists' | 'file_unwritable' | 'unsound';

/** The answer is no: an error object on stdout and exit code 1. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly code: FailureCode;
  readonly details: unknown;

  constructor(
    code: FailureCode,
    message: string,
    options: { readonly details?: unknown; readonly cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.code = code;
    this.details = options.details;
  }
}

/** Prints what went wrong as the one answer of the call. */
export function printFailure(io: Io, error: unknown): void {
  printError(io, describe(error, io));
}

function describe(error: unknown, { signal }: Io): Failing {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof Failure) return { code: error.code, message, details: error.details };
  if (error instanceof OutboxError) return { code: error.code, message, retryable: error.code === 'busy' };
  if (signal.aborted && error === signal.reason) return { code: 'interrupted', message, retryable: true };
  return { code: 'internal_error', message };
}
