import { lstatSync, mkdirSync, readFileSync, realpathSync, type Stats } from 'node:fs';
import { dirname, join } from 'node:path';
import { takeLock } from '@kanade/durable/lock';
import { agentFiles } from '@kanade/shared/local-words';
import { AgentError } from '../agent-error.ts';

/** The data directory of an agent, held by this process alone until it is disposed of or the process ends. */
export interface DataDir extends Disposable {
  readonly database: string;
  readonly jobs: string;
  readonly staged: string;
}

/**
 * Makes the directory (0700), asserts that nobody else can change it or exchange it for another, and takes its lock. Throws
 * AgentError `data_dir_unusable` or `data_dir_locked`.
 */
export function openDataDir(path: string): DataDir {
  const paths = { database: join(path, agentFiles.database), jobs: join(path, 'jobs'), staged: join(path, 'staged') };
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    const fault = faultOf(path);
    if (fault !== undefined) throw new Error(fault);
    for (const dir of [paths.jobs, paths.staged]) mkdirSync(dir, { recursive: true, mode: 0o700 });
    for (const dir of [paths.jobs, paths.staged])
      if (lstatSync(dir).isSymbolicLink()) throw new Error(`${dir} is a link`);
    const lock = takeLock(join(path, agentFiles.lock));
    if (lock.kind === 'held') return { ...paths, [Symbol.dispose]: lock.release };
    if (lock.kind === 'gone') throw new Error('it went while its lock was taken');
  } catch (cause) {
    throw new AgentError(
      'data_dir_unusable',
      `use data directory ${path}: ${(cause as Error).message}; choose another with --data-dir or correct its owner and mode`,
      { cause },
    );
  }
  throw new AgentError(
    'data_dir_locked',
    `use data directory ${path}: another agent works on it; stop that one or choose another with --data-dir`,
  );
}

/**
 * Why this directory is not ours alone: it, or one above it, belongs to or can be written by somebody else. Whoever can write
 * one of them could put other orders, scripts and results in the place of ours. The way there is checked with its links and without.
 */
function faultOf(path: string): string | undefined {
  const uid = process.geteuid?.();
  if (uid === undefined) return undefined; // Windows has neither owner nor mode here
  const real = realpathSync(path);
  for (const dir of new Set([...wayTo(path), ...wayTo(real)])) {
    const fault = faultIn(lstatSync(dir), { uid, isOwn: dir === real });
    if (fault !== undefined) return `${dir} ${fault}`;
  }
  return undefined;
}

const wayTo = (path: string): string[] => (dirname(path) === path ? [path] : [...wayTo(dirname(path)), path]);

function faultIn(stats: Stats, { uid, isOwn }: { uid: number; isOwn: boolean }): string | undefined {
  if (stats.uid !== uid && (isOwn || stats.uid !== 0)) {
    return `belongs to user ${stats.uid}: it must belong to ${isOwn ? '' : 'root or '}the user of the agent (${uid})`;
  }
  // A link has no mode of its own; in a directory with the sticky bit nobody exchanges what is another's.
  const isSticky = (stats.mode & 0o1000) !== 0 && !isOwn;
  const writers = isPrivate(stats.gid, uid) ? 0o002 : 0o022;
  if (stats.isSymbolicLink() || isSticky || (stats.mode & writers) === 0) return undefined;
  return `can be written by others (mode ${(stats.mode & 0o7777).toString(8)}): take that right away (chmod go-w)`;
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
