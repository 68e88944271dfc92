import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { FleetError } from '../fault/fleet-error.ts';

/** Largest file of credentials or certificates, in bytes. */
const fileBytesMax = 1024 * 1024;

/** Who may look into a file: everybody, but only its owner and root may write it; or its owner alone, us or root. */
export type FileGuard = 'public' | 'secret';

/**
 * Reads a small file. What it is guarded by is asked of the open file, so nobody can put another in its place meanwhile. Throws
 * FleetError `secret_unreadable` or `secret_exposed`; `what` names it (`the token file`).
 */
export function readGuarded(path: string, what: string, guard: FileGuard): Uint8Array {
  const fail = (why: string, cause?: unknown): never => {
    throw new FleetError('secret_unreadable', `${what} cannot be read: ${path}: ${why}`, { cause });
  };
  let fd: number;
  try {
    // Not blocking: somebody may have put a pipe there.
    fd = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    return fail(reasonOf(error), error);
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) return fail('it is no file');
    if (stat.size > fileBytesMax) return fail(`it is larger than ${fileBytesMax} bytes: ${stat.size}`);
    checkGuard(path, what, guard, stat);
    const bytes = new Uint8Array(stat.size);
    let at = 0;
    for (let got = -1; at < bytes.length && got !== 0; at += got) got = readSync(fd, bytes, at, bytes.length - at, at);
    return bytes.subarray(0, at);
  } finally {
    closeSync(fd);
  }
}

function checkGuard(path: string, what: string, guard: FileGuard, { mode, uid }: { mode: number; uid: number }): void {
  const self = process.getuid?.();
  if (self === undefined) return; // Windows: access lists, not modes
  const expose = (why: string, fix: string): never => {
    throw new FleetError('secret_exposed', `${what} is not used, because ${why}: ${path}; ${fix}`);
  };
  const shown = (mode & 0o7777).toString(8).padStart(4, '0');
  if (uid !== self && uid !== 0)
    expose(`it belongs to user ${uid}`, 'it must belong to the user of this program or to root');
  if (guard === 'secret' && (mode & 0o077) !== 0) expose(`others may read it (mode ${shown})`, 'chmod 600 it');
  if ((mode & 0o022) !== 0) expose(`others may write it (mode ${shown})`, 'chmod 644 it');
}

function reasonOf(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'there is no such file';
  return code === 'EACCES' ? 'this user may not read it' : (code ?? String(error));
}
