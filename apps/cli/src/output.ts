/** The one writer of standard output: exactly one document per call. */
import { type JobErrorCode, schemaVersion } from '@kanade/shared/job';
import type { Answer } from './command.ts';
import type { Io } from './io.ts';

/** Codes of the local commands and those of the fleet commands. */
export type ErrorCode = JobErrorCode | (string & {});

export function printAnswer(io: Io, { type, ...payload }: Answer): void {
  io.stdout(`${JSON.stringify({ schema_version: schemaVersion, ok: true, type, ...payload })}\n`);
}

export function printError(io: Io, code: ErrorCode, message: string, details?: unknown): void {
  const error = { code, message, retryable: false, ...(details === undefined ? {} : { details }) };
  io.stdout(`${JSON.stringify({ schema_version: schemaVersion, ok: false, type: 'error', error })}\n`);
}
