/**
 * Plain files that somebody relies upon: replaced as a whole, made for their owner alone, and read only where nobody else can have
 * changed them. One set of rules for all of the house.
 */
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  type Stats,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';

/** Largest file of credentials or certificates, in bytes. */
const fileBytesMax = 1024 * 1024;

const { O_RDONLY = 0, O_NONBLOCK = 0, O_NOFOLLOW = 0 } = constants;

/**
 * Who may look into a file: `secret`: its owner alone, us or root. `public`: everybody, but only its owner, us or root, may write it.
 * `any`: whoever names it answers for it.
 */
export type FileGuard = 'any' | 'public' | 'secret';

export interface GuardedLook {
  readonly guard: FileGuard;
  /** Larger files are not read, in bytes. Default 1 MiB. */
  readonly bytesMax?: number;
  /** Default: the file that a link leads to is what is asked. */
  readonly refusesLinks?: boolean;
}

export type GuardedFile =
  | { readonly ok: true; readonly bytes: Uint8Array }
  | {
      readonly ok: false;
      readonly fault: 'missing' | 'unreadable' | 'exposed' | 'too_large';
      /** Behind the name of the file: `others may read it (mode 0644); chmod 600 it`. */
      readonly why: string;
      readonly cause?: unknown;
    };

type Refused = Extract<GuardedFile, { ok: false }>;

const refused = (fault: Refused['fault'], why: string, cause?: unknown): Refused => ({ ok: false, fault, why, cause });

/**
 * Reads a small file. What it is guarded by is asked of the open file, so nobody can put another in its place meanwhile; a pipe that
 * somebody put there keeps nobody waiting. Never throws: why it is not read is in the answer, which repeats nothing of the file.
 */
export function lookGuarded(path: string, { guard, bytesMax = fileBytesMax, refusesLinks }: GuardedLook): GuardedFile {
  let fd: number;
  try {
    fd = openSync(path, O_RDONLY | O_NONBLOCK | (refusesLinks ? O_NOFOLLOW : 0));
  } catch (error) {
    return notOpened(error as NodeJS.ErrnoException);
  }
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) return refused('unreadable', 'it is no file');
    const exposed = guard === 'any' ? undefined : exposureOf(stats, guard);
    if (exposed !== undefined) return refused('exposed', exposed);
    if (stats.size > bytesMax)
      return refused('too_large', `it has ${stats.size} bytes, and the limit is ${bytesMax} bytes`);
    return { ok: true, bytes: readWhole(fd, stats.size) };
  } catch (error) {
    return refused('unreadable', (error as Error).message, error);
  } finally {
    closeSync(fd);
  }
}

function readWhole(fd: number, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let at = 0;
  for (let got = -1; at < size && got !== 0; at += got) got = readSync(fd, bytes, at, size - at, at);
  return bytes.subarray(0, at);
}

function notOpened(error: NodeJS.ErrnoException): Refused {
  switch (error.code) {
    case 'ENOENT':
      return refused('missing', 'there is no such file', error);
    case 'EACCES':
      return refused('unreadable', 'this user may not read it', error);
    case 'ELOOP':
      return refused('exposed', 'it is a link', error);
    default:
      return refused('unreadable', error.code ?? error.message, error);
  }
}

function exposureOf(stats: Stats, guard: 'public' | 'secret'): string | undefined {
  const self = process.geteuid?.();
  if (self === undefined) return undefined; // Windows: access lists, not modes
  const { uid, mode } = stats;
  const shown = (mode & 0o7777).toString(8).padStart(4, '0');
  if (uid !== self && uid !== 0)
    return `it belongs to user ${uid}; it must belong to the user of this program or to root`;
  if (guard === 'secret' && (mode & 0o077) !== 0) return `others may read it (mode ${shown}); chmod 600 it`;
  return mayOthersWrite(stats, self) ? `others may write it (mode ${shown}); chmod 644 it` : undefined;
}

/** Whether somebody besides the owner, the user `uid` and root can write what has these modes. */
export function mayOthersWrite({ mode, gid }: Pick<Stats, 'mode' | 'gid'>, uid: number): boolean {
  if ((mode & 0o002) !== 0) return true;
  return (mode & 0o020) !== 0 && !isPrivate(gid, uid);
}

/** A group that holds this user alone, as many systems make one for everybody: what it may write is written by that user. */
function isPrivate(gid: number, uid: number): boolean {
  const rows = (path: string): string[][] =>
    readFileSync(path, 'utf8')
      .split('\n')
      .map((line) => line.split(':'));
  try {
    const accounts = rows('/etc/passwd');
    const name = accounts.find((row) => row[2] === String(uid))?.[0];
    const members = rows('/etc/group').find((row) => row[2] === String(gid))?.[3];
    if (name === undefined || members === undefined) return false;
    const others = members.split(',').filter((member) => member !== '' && member !== name);
    return others.length === 0 && accounts.every((row) => row[3] !== String(gid) || row[2] === String(uid));
  } catch {
    return false; // accounts that are kept elsewhere: nothing says that the group is private
  }
}

export interface ReplaceOptions {
  /** Content and name survive a power cut, by fsync of file and directory; without it, a death of the process. @defaultValue false */
  readonly durable?: boolean;
  /** Of the new file, under any umask. @defaultValue 0o600 */
  readonly mode?: number;
}

/**
 * Replaces a file so that readers see the old or the new content, never a mixture.
 * @throws what the system says; the old content stays then
 */
export function replaceFile(
  path: string,
  content: string,
  { durable = false, mode = 0o600 }: ReplaceOptions = {},
): void {
  const random = crypto.getRandomValues(new Uint32Array(1))[0]?.toString(36);
  const temp = `${dirname(path)}/.tmp-${process.pid}-${random}`;
  const fd = openSync(temp, 'wx', 0o600);
  try {
    try {
      if (mode !== 0o600) fchmodSync(fd, mode);
      writeFileSync(fd, content); // all of it: a nearly full disk takes a part without an error
      if (durable) fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temp, path);
  } catch (error) {
    unlinkSync(temp);
    throw error;
  }
  if (durable) syncDirectory(dirname(path));
}

/** Makes new, renamed and removed names in a directory outlive a power cut. Windows has no handle for one; its renames are journaled. */
export function syncDirectory(path: string): void {
  if (process.platform === 'win32') return;
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/**
 * Writes a new file for its owner alone (0600 under any umask), durable; false when something has that name.
 * @throws what the system says; nothing is left then
 */
export function writePrivateFile(path: string, text: string): boolean {
  let file: number;
  try {
    file = openSync(path, 'wx', 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
  try {
    fchmodSync(file, 0o600);
    writeFileSync(file, text);
    fsyncSync(file);
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  } finally {
    closeSync(file);
  }
  return true;
}

/**
 * Why an existing directory is none for secrets, as words behind its name (`it is a link`); undefined for one that is this user's and
 * that no others can write to, and on Windows, which has neither owner nor mode here.
 */
export function exposureOfDirectory(path: string): string | undefined {
  const uid = process.geteuid?.();
  if (uid === undefined) return undefined;
  const stats = lstatSync(path);
  if (stats.isSymbolicLink()) return 'it is a link';
  if (stats.uid !== uid) return `it belongs to user ${stats.uid}, not to ${uid}`;
  const writable = (stats.mode & 0o022) !== 0;
  return writable ? `it can be written by others (mode ${(stats.mode & 0o7777).toString(8)}): chmod 700` : undefined;
}
