/** Why a durable file could not do what it was asked. Codes are stable; messages may change. */
export type DurableErrorCode =
  | 'busy'
  | 'cannot_open'
  | 'closed'
  | 'damaged'
  | 'disk_full'
  | 'io_failed'
  | 'locked'
  | 'newer_version'
  | 'no_file'
  | 'older_version'
  | 'read_only';

export interface DurableErrorOptions {
  readonly cause?: unknown;
  /** For a full commit queue: the limit that was hit, and by what. */
  readonly exceeded?: { readonly limit: string; readonly maximum: number; readonly actual: number };
}

/** Every failure of this package except programmer mistakes, which are TypeError and RangeError. */
export class DurableError extends Error {
  override readonly name = 'DurableError';
  readonly code: DurableErrorCode;
  readonly exceeded: DurableErrorOptions['exceeded'];

  constructor(code: DurableErrorCode, message: string, options: DurableErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.exceeded = options.exceeded;
  }
}

/** Primary result codes of SQLite (sqlite.org/rescode.html), as far as they mean something to a caller. */
const codes: Readonly<Record<number, DurableErrorCode>> = {
  5: 'busy',
  6: 'busy',
  8: 'read_only',
  10: 'io_failed',
  11: 'damaged',
  13: 'disk_full',
  14: 'cannot_open',
  26: 'damaged',
};

/** The same for what the system says where a file is made without SQLite. */
const systemCodes: Readonly<Record<string, DurableErrorCode>> = {
  ENOSPC: 'disk_full',
  EDQUOT: 'disk_full',
  EIO: 'io_failed',
  EROFS: 'read_only',
  EACCES: 'cannot_open',
  EPERM: 'cannot_open',
  ENOENT: 'cannot_open',
  ENOTDIR: 'cannot_open',
  EMFILE: 'cannot_open',
  ENFILE: 'cannot_open',
};

/** The code behind an error of `node:sqlite` or of a file, null for anything else. Extended codes count as their primary one. */
export function faultCode(error: unknown): DurableErrorCode | null {
  if (isSqliteError(error)) return codes[error.errcode & 0xff] ?? null;
  const code = error instanceof Error && 'syscall' in error && 'code' in error ? String(error.code) : '';
  return systemCodes[code] ?? null;
}

/** Any error that SQLite raised, whether it means something to a caller or not. */
export function isSqliteError(error: unknown): error is Error & { readonly errcode: number } {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number';
}

/** Damage that SQLite did not notice, as the error that it raises where it does: the file is set aside and salvaged for it. */
export const damage = (message: string): Error => Object.assign(new Error(message), { errcode: 11 });

/** Turns an error of SQLite or of the system into ours; every other error comes back as it is. */
export function translateFault(error: unknown, attempted: string): unknown {
  const code = faultCode(error);
  return code === null ? error : new DurableError(code, `${attempted}: ${(error as Error).message}`, { cause: error });
}
