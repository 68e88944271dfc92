/** Files of a job directory: replaced whole, opened without following links, locked. */
import {
  closeSync,
  constants,
  existsSync,
  type FSWatcher,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  unlinkSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { replaceFile } from '@kanade/durable/files';
import { errnoOf, JobError } from '../job-error.ts';
import { isAlive, ownIdentity, type ProcessIdentity } from '../process/identity.ts';
import { type JobDir, pathOf, readSmallFile, readState, type StateFile } from './layout.ts';

/** A writer of a state that takes so long, in ms, was killed: nobody writes for more than a moment. */
const stateWriterMsMax = 2_000;

/**
 * Replaces the state of a job, one writer at a time, over the one that is `known` (undefined: none, or damage; `any`: whatever there
 * is). `kept`: a restart, or another who settled it, has written one meanwhile, which says more than ours. `busy`: somebody else is
 * at it. `no-room`: the disk takes nothing.
 */
export function replaceState(
  job: JobDir,
  state: StateFile,
  known: StateFile | undefined | 'any',
): 'written' | 'kept' | 'busy' | 'no-room' {
  const path = pathOf(job, 'state');
  const temp = `${path}.next`;
  let fd: number;
  try {
    fd = openSync(temp, 'wx', 0o600);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') return refused(error);
    clearAway(temp);
    return 'busy';
  }
  try {
    // Asked when nobody else can write any more.
    const isOurs = known === 'any' || isAsKnown(readState(job), known);
    if (isOurs) writeFileSync(fd, pretty(state));
    closeSync(fd);
    const outcome = isOurs ? putInPlace(job, { temp, path, isFirst: known === undefined }) : 'kept';
    if (outcome !== 'written') unlinkSync(temp);
    return outcome;
  } catch (error) {
    // Whoever took us for dead has removed it, and writes now.
    if (errnoOf(error) === 'ENOENT' && existsSync(job.path)) return 'busy';
    rmSync(temp, { force: true }); // gone already where the job was deleted meanwhile
    return refused(error);
  }
}

/**
 * A launcher writes its first state in place and asks nobody (see {@link writeFirstState}). Where there was none, one that has come
 * meanwhile stays: who has seen the one and then the other, which tells the start by another ms, would take it for a restart.
 */
function putInPlace(
  job: JobDir,
  { temp, path, isFirst }: { temp: string; path: string; isFirst: boolean },
): 'written' | 'kept' | 'busy' {
  if (isFirst) {
    try {
      linkSync(temp, path);
      unlinkSync(temp);
      return 'written';
    } catch (error) {
      if (errnoOf(error) === 'EEXIST' && readState(job)) return 'kept';
      if (errnoOf(error) === 'EEXIST' && !isLeftBehind(path)) return 'busy'; // half of one: its launcher is at it
    }
  }
  renameSync(temp, path);
  return 'written';
}

const isAsKnown = (now: StateFile | undefined, known: StateFile | undefined): boolean =>
  now?.job.status === known?.job.status &&
  now?.started_at_ms === known?.started_at_ms &&
  now?.logs_drained === known?.logs_drained;

function refused(error: unknown): 'no-room' {
  if (isNoRoom(error)) return 'no-room';
  throw error;
}

/** What a killed writer left; the next who comes writes. */
function clearAway(temp: string): void {
  if (isLeftBehind(temp)) rmSync(temp, { force: true });
}

function isLeftBehind(path: string): boolean {
  const writtenAtMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
  return writtenAtMs !== undefined && Math.abs(Date.now() - writtenAtMs) > stateWriterMsMax;
}

/** Holds the whole thread up: for moments, where somebody else is about to be done. */
export const pauseMs = (ms: number): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

/** The same for who has to write: waits for others, and throws what the disk says. */
export function replaceStateSurely(job: JobDir, state: StateFile): void {
  const deadlineMs = performance.now() + stateWriterMsMax;
  while (performance.now() < deadlineMs) {
    const outcome = replaceState(job, state, 'any');
    if (outcome === 'written') return;
    if (outcome === 'no-room') break;
    pauseMs(1);
  }
  replaceFile(pathOf(job, 'state'), pretty(state));
}

/** Writes the first state of a job. Whoever looked in between may have written it from the record, and then knows more than we do. */
export function writeFirstState(job: JobDir, state: StateFile): void {
  const path = pathOf(job, 'state');
  try {
    writeNewFile(path, pretty(state));
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return;
    rmSync(path, { force: true }); // half a state would be damage
    throw error;
  }
}

/**
 * Opens a file for appending and makes it if there is none, mode 0600. A symbolic link in its place is refused
 * (`ELOOP`): whoever planted it wants us to write elsewhere.
 */
export const openForAppending = (path: string): number =>
  openSync(
    path,
    constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0), // none on Windows
    0o600,
  );

/** A directory of a job that stays the same one. */
export interface HeldJob {
  readonly job: JobDir;
  release(): void;
}

/**
 * The directory of a job itself, whatever comes into the place of its path meanwhile: for who works in it for long, perhaps with more
 * rights than those who may write beside it. Linux only; elsewhere, and where there is no descriptor left, it goes by its path.
 * Throws `io_error` for what is no directory.
 */
export function holdJob(job: JobDir): HeldJob {
  const unheld = { job, release: () => undefined };
  if (process.platform !== 'linux') return unheld;
  let fd: number;
  try {
    fd = openSync(job.path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  } catch (cause) {
    const code = errnoOf(cause);
    if (code !== 'ELOOP' && code !== 'ENOTDIR') return unheld; // gone, for one: whoever looks into it finds nothing
    throw new JobError('io_error', `${job.path} is no directory any more: it was exchanged`, { cause });
  }
  // Not /proc/self: programs that we start are told such paths, too.
  return { job: { id: job.id, path: `/proc/${process.pid}/fd/${fd}` }, release: () => closeSync(fd) };
}

/** Makes a directory and those above it. Not `recursive`: below a place like `/proc` that never returns on Node. */
export function makeDirectories(path: string, mode?: number): void {
  try {
    makeDirectory(path, mode);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT' || dirname(path) === path) throw error;
    makeDirectories(dirname(path), mode);
    makeDirectory(path, mode);
  }
}

function makeDirectory(path: string, mode: number | undefined): void {
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST' || !statSync(path).isDirectory()) throw error;
  }
}

/** Watches a file or directory; undefined where that cannot be done: a slow poll stands behind every watch. */
export function watchPath(path: string, onChange: (name: string | null) => void): FSWatcher | undefined {
  try {
    return watch(path, (_event, name) => onChange(name)).on('error', () => onChange(null));
  } catch {
    return undefined; // no watches left, none on this file system, or nothing there
  }
}

/** File systems of Linux whose watches tell of whatever is written on this machine, by the number that `statfs` gives. */
const watchedTypes = [0xef53, 0x5846_5342, 0x9123_683e, 0x0102_1994, 0x794c_7630, 0x2fc1_2fc1, 0xf2f5_2010];

/** Whether a watch on this path is known to miss nothing: ext2 to 4, XFS, Btrfs, tmpfs, overlay, ZFS, F2FS. */
export function isWatchable(path: string): boolean {
  try {
    return process.platform === 'linux' && watchedTypes.includes(statfsSync(path).type);
  } catch {
    return false; // gone, or not ours to look at
  }
}

/** Writes a file that nobody can know of yet, mode 0600: without the rename, which costs more than the write. */
export const writeNewFile = (path: string, content: string | Uint8Array): void =>
  writeFileSync(path, content, { flag: 'wx', mode: 0o600 });

/** What a disk says that takes nothing: full, over quota, read-only, or not ours to write. */
const noRoom = ['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'EPERM'];

/** True for the error of a disk that takes nothing. */
export const isNoRoom = (error: unknown): boolean => noRoom.includes(errnoOf(error) ?? '');

/** The same, for what can be computed again later; false when the disk takes nothing. */
export function replaceFileIfRoom(path: string, content: string): boolean {
  try {
    replaceFile(path, content);
    return true;
  } catch (error) {
    if (isNoRoom(error)) return false;
    throw error;
  }
}

/** JSON as the files of a job hold it: for people too. */
export const pretty = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** How often who waits for a claim looks for it, in ms. */
const claimLookMs = 2;

/**
 * Does something that only one process may do to a job at a time, such as a restart. Throws `invalid_state` when somebody
 * else is at it, and still is after `patienceMs`.
 */
export async function withClaim<T>(job: JobDir, what: string, work: () => Promise<T> | T, patienceMs = 0): Promise<T> {
  const deadlineMs = performance.now() + patienceMs;
  for (;;) {
    using lock = tryClaim(job, what);
    if (lock) return await work();
    if (performance.now() >= deadlineMs)
      throw new JobError('invalid_state', `job ${job.id}: another ${what} of it is under way`);
    await new Promise((resolve) => setTimeout(resolve, claimLookMs));
  }
}

/** The same for who does without it when somebody else is at it: then undefined. */
export const tryClaim = (job: JobDir, what: string): Disposable | undefined => takeClaim(`${job.path}/.${what}.lock`);

/**
 * Takes a lock file, which holds the identity of its holder; undefined when a live process has it. One that a dead
 * process left behind does not count.
 */
export function takeClaim(path: string): Disposable | undefined {
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      makeLockFile(path);
      return { [Symbol.dispose]: () => rmSync(path, { force: true }) };
    } catch (cause) {
      if (errnoOf(cause) !== 'EEXIST') throw cause;
      if (attempt > 0 || isHeld(path)) return undefined;
      for (const left of [path, tempOf(path)]) rmSync(left, { force: true });
    }
  }
  return undefined;
}

const tempOf = (lock: string): string => `${lock}.${process.pid}`;

/** Makes a lock file that has its content from the beginning: an empty one is the ancestor's, and nobody's. */
function makeLockFile(path: string): void {
  const temp = tempOf(path);
  writeFileSync(temp, JSON.stringify(ownIdentity()), { flag: 'wx', mode: 0o600 });
  try {
    linkSync(temp, path);
  } finally {
    unlinkSync(temp);
  }
}

/** Somebody is at it right now, see {@link withClaim}. */
export const isClaimed = (job: JobDir, what: string): boolean => isHeld(`${job.path}/.${what}.lock`);

function isHeld(path: string): boolean {
  const text = readSmallFile(path);
  if (text === undefined) return false;
  if (text === '') return false;
  try {
    return isAlive(JSON.parse(text) as ProcessIdentity);
  } catch {
    return true; // the ancestor's, or somebody else's
  }
}
