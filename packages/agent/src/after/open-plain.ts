/** Opening a file that a script named, where whoever may write there could have put something else in its place. */
import { constants, readlinkSync } from 'node:fs';
import { type FileHandle, lstat, open, realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** As whom a file is read; undefined = as ourselves. */
export interface AsWhom {
  readonly uid: number;
  readonly gid: number;
}

export interface PlainFile extends AsyncDisposable {
  readonly handle: FileHandle;
  /** Bytes as the file says: of one with holes those count, too. */
  readonly size: number;
  readonly modifiedAt: Date;
}

/**
 * Opens a plain file. No link on its way is followed, only those by which the system names its own top directories; pipes, sockets,
 * devices and directories are refused; for somebody else only what they may read by owner and mode, on every directory on the way,
 * too (access lists do not count). What was opened is looked at, not what stood there before. Throws PlainFault with the reason.
 */
export async function openPlain(path: string, reader: AsWhom | undefined): Promise<PlainFile> {
  const real = await withoutTopLinks(path);
  const before = await lstat(real);
  if (before.isSymbolicLink()) throw new PlainFault('a link is not followed');
  if (!before.isFile()) throw new PlainFault('no plain file');
  // Should it be a pipe by now, nobody waits for its writer.
  const handle = await open(
    real,
    constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY,
  );
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw new PlainFault('no plain file');
    if ((await placeOf(handle, real)) !== real) throw new PlainFault('a link is not followed');
    if (reader && !(await mayRead(real, stats, reader))) throw new PlainFault('not for the user that the job ran as');
    return {
      handle,
      size: stats.size,
      modifiedAt: stats.mtime,
      [Symbol.asyncDispose]: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

export class PlainFault extends Error {}

/** Where the open file is, by the kernel's own word for it. */
async function placeOf(handle: FileHandle, path: string): Promise<string> {
  if (process.platform === 'linux') return readlinkSync(`/proc/self/fd/${handle.fd}`);
  const [now, held] = [await stat(path), await handle.stat()];
  return now.ino === held.ino && now.dev === held.dev ? realpath(path) : '';
}

/** Links in `/` and `/var` are the system's: `/var/run`, `/bin`. Nobody else can make them. */
export async function withoutTopLinks(path: string): Promise<string> {
  let real = path;
  for (let depth = 1; depth <= 2; depth++) {
    const parts = real.split('/');
    const top = parts.slice(0, depth + 1).join('/');
    if (depth === 2 && parts[1] !== 'var') break;
    if (parts.length <= depth + 1) break;
    const stats = await lstat(top);
    if (stats.isSymbolicLink() && stats.uid === 0) real = join(await realpath(top), ...parts.slice(depth + 1));
  }
  return real;
}

interface Owned {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

async function mayRead(path: string, file: Owned, reader: AsWhom): Promise<boolean> {
  if (!allows(file, reader, 4)) return false;
  for (let dir = dirname(path); ; dir = dirname(dir)) {
    if (!allows(await lstat(dir), reader, 1)) return false;
    if (dir === '/') return true;
  }
}

/** Whether the mode gives a user a right (4 read, 1 pass): the bits of the owner, of the group, or of all, whichever come first. */
export function allows({ uid, gid, mode }: Owned, reader: AsWhom, right: 4 | 1): boolean {
  const shift = uid === reader.uid ? 6 : gid === reader.gid ? 3 : 0;
  return ((mode >> shift) & right) !== 0;
}
