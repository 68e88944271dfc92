/** Files that somebody relies upon: secrets, and what says whom to trust. One set of rules for all of them. */
import { closeSync, constants, fstatSync, openSync, readFileSync, readSync, type Stats } from 'node:fs';
import { FleetError } from '../fault/fleet-error.ts';

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

/**
 * The bytes of a file that is guarded so. Throws FleetError `secret_unreadable` or `secret_exposed`; `what` names it
 * (`the token file`).
 */
export function readGuarded(path: string, what: string, guard: FileGuard): Uint8Array {
  const found = lookGuarded(path, { guard });
  if (found.ok) return found.bytes;
  const { fault, why, cause } = found;
  throw fault === 'exposed'
    ? new FleetError('secret_exposed', `${what} is not used: ${path}: ${why}`, { cause })
    : new FleetError('secret_unreadable', `${what} cannot be read: ${path}: ${why}`, { cause });
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
