/**
 * Handing over: a job that outlives its caller, or has a deadline, gets a marker below the root's `.host` directory (which
 * keeps the first name of the keeper); the keeper process of the root works through the markers. The marker is on disk
 * before anybody relies on it, so a keeper that is killed at any moment is replaced by the next call, which finds the same markers.
 */
import { closeSync, constants, existsSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isJobName } from '@kanade/shared/job-words';
import { isAlive, listProcesses, type ProcessIdentity } from '../process/identity.ts';
import { spawnProgram } from '../process/spawn.ts';
import { openForAppending } from '../record/files.ts';
import { type JobDir, keeperDirName, readSmallFile } from '../record/layout.ts';
import { isDirectory, makeKeeperDir } from '../record/root.ts';
import { namesIn, type Ticket, ticketsAmong, ticketsDirName } from '../record/tickets.ts';

export interface KeeperPaths {
  /** Markers, one empty file per job. */
  readonly jobs: string;
  /** Identity of the keeper that serves this root, while there is one. */
  readonly identity: string;
  /** Held by the one keeper of this root; the system releases it when that keeper dies. */
  readonly lock: string;
}

/** Directory of the markers, below the keeper's. */
export const markersDirName = 'jobs';
const identityName = 'host.json';

export function keeperPaths(root: string): KeeperPaths {
  const dir = join(root, keeperDirName);
  return { jobs: join(dir, markersDirName), identity: join(dir, identityName), lock: join(dir, 'lock.db') };
}

/** Marks a job for the keeper of its root. */
export function mark(root: string, job: JobDir): void {
  const jobs = makeKeeperDir(root, markersDirName);
  closeSync(openForAppending(join(jobs, job.id)));
}

/** Gives a job into the care of the root's keeper, which is started by `words` unless one lives. */
export function handOver(root: string, job: JobDir, words: readonly string[]): void {
  mark(root, job);
  ensureKeeper(root, words);
}

/** Begins what no job can be called. */
export const wakePrefix = '.wake-';

/** Has the keeper look at the line anew: it watches the directory of the markers. */
export function wakeKeeper(root: string): void {
  const path = join(makeKeeperDir(root, markersDirName), `${wakePrefix}${process.pid}`);
  closeSync(openForAppending(path));
  rmSync(path, { force: true });
}

export const isMarked = (root: string, job: JobDir): boolean => existsSync(join(keeperPaths(root).jobs, job.id));

/** The directory of the keeper that serves a root. */
export interface KeeperDir extends Disposable {
  /** The job ids that are marked. */
  marked(): string[];
  /** Removes a marker: the job needs no care any more. */
  unmark(jobId: string): void;
  /** The line in which jobs wait for their turn. */
  tickets(): Ticket[];
  dropTicket(ticket: Ticket): void;
  readonly identity: string;
}

/**
 * Holds the directory that `makeKeeperDir` has made. On Linux it stays the one that it is: whoever may write into the root can put a link
 * in its place, and what is removed through that would be somebody else's. Elsewhere it is looked at before each use.
 */
export function holdKeeperDir(root: string): KeeperDir {
  const held: number[] = [];
  const hold = (path: string): string => {
    if (process.platform !== 'linux' || !existsSync('/proc/self/fd')) return path;
    const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    held.push(fd);
    return `/proc/self/fd/${fd}`;
  };
  const release = (): void => held.splice(0).forEach((fd) => void closeSync(fd));
  try {
    const dir = hold(join(root, keeperDirName));
    const jobs = hold(join(dir, markersDirName));
    const tickets = hold(join(dir, ticketsDirName));
    const isThere = (): boolean => held.length > 0 || [dir, jobs, tickets].every(isDirectory);
    return {
      identity: join(dir, identityName),
      marked: () => (isThere() ? namesIn(jobs).filter(isJobName) : []),
      unmark(jobId) {
        if (isThere()) rmSync(join(jobs, jobId), { force: true });
      },
      tickets: () => (isThere() ? ticketsAmong(namesIn(tickets)) : []),
      dropTicket({ name }) {
        if (isThere()) rmSync(join(tickets, name), { force: true });
      },
      [Symbol.dispose]: release,
    };
  } catch (error) {
    release();
    throw error;
  }
}

/** The live keeper of a root, if there is one. */
export function liveKeeper(root: string): ProcessIdentity | undefined {
  const text = readSmallFile(keeperPaths(root).identity);
  if (text === undefined) return undefined;
  try {
    const identity = JSON.parse(text) as ProcessIdentity;
    return isAlive(identity) ? identity : undefined;
  } catch {
    return undefined; // half written or damaged: whoever holds the lock will write it again
  }
}

/** The word by which a program of ours is told to keep a root; `--root` and the root follow. */
export const keeperWord = '_host';

/** Pids of keepers of this root, or of one that is gone, that do not serve it. Linux only; elsewhere none. */
export function leftOverKeepers(root: string): number[] {
  if (process.platform !== 'linux') return [];
  const live = liveKeeper(root);
  return listProcesses()
    .filter(({ pid, zombie }) => {
      const served = zombie ? undefined : servedRoot(pid);
      return served !== undefined && pid !== live?.pid && (served === root || !existsSync(served));
    })
    .map(({ pid }) => pid);
}

/** The root that a process keeps; undefined for every other process. */
function servedRoot(pid: number): string | undefined {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    const at = words.indexOf(keeperWord);
    return at > 0 && words[at + 1] === '--root' ? words[at + 2] : undefined;
  } catch {
    return undefined; // gone meanwhile, or not ours to look at
  }
}

/** Starts the keeper process of a root unless one lives. `command` are the words that run `runKeeper` on that root. Returns the one that was started. */
export function ensureKeeper(root: string, command: readonly string[]): ProcessIdentity | undefined {
  return liveKeeper(root) ? undefined : spawnProgram(command);
}
