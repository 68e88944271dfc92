/** The one writer of standard output: exactly one document per call. */
import { schemaVersion } from '@kanade/shared/job';
import type { Answer } from './command.ts';
import type { Io } from './io.ts';

export function printAnswer(io: Io, answer: Answer): void {
  io.stdout(`${JSON.stringify(envelopeOf(answer))}\n`);
}

/** The answer with its envelope in front. */
export const envelopeOf = ({ type, ...payload }: Answer): Record<string, unknown> => ({
  schema_version: schemaVersion,
  ok: true,
  type,
  ...payload,
});

/** The error object of an answer. */
export interface Failing {
  readonly code: string;
  readonly message: string;
  /** The same call may succeed later; default false. */
  readonly retryable?: boolean;
  readonly details?: unknown;
}

export function printError(io: Io, { code, message, retryable = false, details }: Failing): void {
  const error = { code, message, retryable, ...(details === undefined ? {} : { details }) };
  io.stdout(`${JSON.stringify({ schema_version: schemaVersion, ok: false, type: 'error', error })}\n`);
}
