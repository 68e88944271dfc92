import type { JobErrorCode } from '@kanade/shared/job-words';

/** "Could not do it", with a code that callers may rely on. How a job ended is never an error. */
export class JobError extends Error {
  override readonly name = 'JobError';
  readonly code: JobErrorCode;
  /** Further facts for the caller, such as the candidates of an ambiguous id. */
  readonly details: unknown;

  constructor(code: JobErrorCode, message: string, options: { cause?: unknown; details?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.details = options.details;
  }
}

/** The `code` of a file-system error, or undefined. */
export const errnoOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException | undefined)?.code;
