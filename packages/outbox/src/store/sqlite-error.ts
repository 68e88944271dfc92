import { OutboxError, type OutboxErrorCode } from '../outbox/error.ts';

/** Primary result codes of SQLite (sqlite.org/rescode.html), as far as they mean something to a caller. */
const codes: Readonly<Record<number, OutboxErrorCode>> = {
  5: 'busy',
  6: 'busy',
  8: 'read_only',
  10: 'io_failed',
  11: 'damaged',
  13: 'disk_full',
  14: 'cannot_open',
  26: 'damaged',
};

/** The code behind an error of `node:sqlite`, null for anything else. Extended codes count as their primary one. */
export function sqliteCode(error: unknown): OutboxErrorCode | null {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return null;
  return codes[error.errcode & 0xff] ?? null;
}

/** Damage that SQLite did not notice, as the error that it raises where it does. */
export const damage = (message: string): Error => Object.assign(new Error(message), { errcode: 11 });

/** Turns an error of `node:sqlite` into ours; every other error comes back as it is. */
export function translateSqliteError(error: unknown, attempted: string): unknown {
  const code = sqliteCode(error);
  return code === null ? error : new OutboxError(code, `${attempted}: ${(error as Error).message}`, { cause: error });
}
