import { FleetError } from '@kanade/fleet';
import { type Failing, printError } from '../../answer/envelope.ts';
import type { Io } from '../../io.ts';

/** Codes that the fleet commands add to those of the library. */
export type FailureCode = 'no_result' | 'output_unavailable' | 'no_answer' | 'file_unreadable' | 'manifest_invalid';

/** The answer is no: an error object on stdout and exit code 1. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly code: FailureCode;
  readonly retryable: boolean;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: FailureCode, message: string, options: FailureOptions = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.details = options.details ?? {};
  }
}

interface FailureOptions {
  readonly retryable?: boolean;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** Prints what went wrong as the one answer of the call. */
export function printFailure(io: Io, error: unknown): void {
  printError(io, describe(error, io));
}

function describe(error: unknown, { signal }: Io): Failing {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof Failure) {
    return { code: error.code, message, retryable: error.retryable, details: error.details };
  }
  if (error instanceof FleetError) {
    const details = error.faults.length > 0 ? { details: { faults: error.faults } } : {};
    return { code: error.code, message, retryable: error.retryable, ...details };
  }
  if (signal.aborted && error === signal.reason) return { code: 'interrupted', message, retryable: true };
  return { code: 'internal_error', message, retryable: false };
}
