/**
 * Control groups (Linux, version 2): the one way to take a tree from which nobody can escape, neither by a double fork
 * nor by a session of its own. Used where our own group may have children, without any set-up; else there is none.
 */
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { basename } from 'node:path';
import { once } from '../identity.ts';

/** Where version 2 is mounted: alone, or beside version 1. */
const mounts = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified'];

/** Makes a group for a job below our own, and beside that of a job we are a part of; undefined where that is not possible. `again`: it may have been made for this very run already. */
export function createControlGroup(jobId: string, { again = false } = {}): string | undefined {
  const own = ownControlGroup();
  if (own === undefined) return undefined;
  try {
    const path = `${own}/kanade-${jobId}`;
    if (!again || !existsSync(path)) mkdirSync(path);
    return path;
  } catch {
    return undefined; // not delegated to us, or too many: the process group has to do
  }
}

/** True for a path that a job's directory may name: the group that {@link createControlGroup} made for this very job. */
export function isControlGroupOf(path: string, jobId: string): boolean {
  return (
    mounts.some((mount) => path.startsWith(`${mount}/`)) &&
    !path.includes('/../') &&
    basename(path) === `kanade-${jobId}`
  );
}

/** Pids in the group and in groups below it; none when it is gone. */
export function controlGroupMembers(path: string): number[] {
  try {
    const own = readFileSync(`${path}/cgroup.procs`, 'latin1').split('\n').filter(Boolean).map(Number);
    const below = readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    return [...own, ...below.flatMap((entry) => controlGroupMembers(`${path}/${entry.name}`))];
  } catch {
    return [];
  }
}

/** True when a process is in this group of a job, or in one below it. */
export function isInControlGroup(pid: number, path: string): boolean {
  try {
    // The name is that of one job alone; how the way to it reads depends on where one stands.
    const lines = readFileSync(`/proc/${pid}/cgroup`, 'latin1').split('\n');
    return lines.some((line) => `${line}/`.includes(`/${basename(path)}/`));
  } catch {
    return false; // ended
  }
}

/** Kills everything in the group at once; false where the kernel cannot (before 5.14) or the group is gone. */
export function killControlGroup(path: string): boolean {
  try {
    writeFileSync(`${path}/cgroup.kill`, '1', { flag: 'r+' });
    return true;
  } catch {
    return false;
  }
}

/** What a file of a job's directory says of its control group. */
export interface NamedControlGroup {
  readonly path: string;
  /** The tree is in it, and nobody else. Before that a stranger may be in it for a moment: nobody is to be judged by it. */
  readonly isSettled: boolean;
}

/** Line of that file behind the path. */
const settledLine = 'settled';

/** The control group that a file of a job's directory names; undefined when there is none, or it is not that job's. */
export function controlGroupIn(file: string, jobId: string): NamedControlGroup | undefined {
  let lines: string[];
  try {
    lines = readFileSync(file, 'latin1').split('\n');
  } catch {
    return undefined; // the job was given none
  }
  const [path = '', state] = lines;
  return isControlGroupOf(path, jobId) ? { path, isSettled: state === settledLine } : undefined;
}

/** Writes into that file that the tree is in the group; only where a group is named. Throws what the system says against it. */
export function settleControlGroupIn(file: string): void {
  const fd = openSync(file, constants.O_WRONLY | constants.O_APPEND);
  try {
    writeSync(fd, `${settledLine}\n`);
  } finally {
    closeSync(fd);
  }
}

/** The group goes with the job, unless a daemon that the job has left behind is in it. */
export function dropControlGroupIn(file: string, jobId: string): void {
  const named = controlGroupIn(file, jobId);
  if (named && removeControlGroup(named.path)) rmSync(file, { force: true });
}

/** Removes the group; true when there is none any more. A daemon that the job left behind keeps it, and that is fine. */
export function removeControlGroup(path: string): boolean {
  try {
    rmdirSync(path);
  } catch {
    return !existsSync(path); // still populated, or gone already
  }
  return true;
}

/** A group that nobody is in counts as left behind after so long, in ms: one that is being filled is younger. */
const leftBehindMs = 60_000;

/** Removes groups of jobs that nobody is in any more: those whose root was deleted under them. */
export function sweepControlGroups(nowMs = Date.now()): void {
  const own = ownControlGroup();
  if (own === undefined) return;
  for (const name of readdirSync(own).filter((entry) => entry.startsWith('kanade-'))) {
    const path = `${own}/${name}`;
    const bornMs = statSync(path, { throwIfNoEntry: false })?.ctimeMs ?? nowMs;
    if (nowMs - bornMs > leftBehindMs) removeControlGroup(path);
  }
}

/** The group of a job, and what is below it, at the end of a path. No unit of systemd is called so: they have a dot in their names. */
const jobGroup = /\/kanade-[A-Za-z0-9_-]+(\/.*)?$/;

/**
 * Starts a process that is none of the job's that we may be a part of: what takes that job is not to take it. A process is born into the group of
 * its parent, and cannot be moved before it has children of its own: so we go out for a moment. Costs some ms there, and one look elsewhere.
 */
export function outsideOfJobs<T>(start: () => T): T {
  const group = controlGroupOf('self') ?? '';
  if (!jobGroup.test(group)) return start();
  const isOut = moveOurselves(group.replace(jobGroup, ''));
  try {
    return start();
  } finally {
    if (isOut) moveOurselves(group);
  }
}

/** Blocks for some ms. False where we may not, or the group is gone: then we stay where we are. */
function moveOurselves(group: string): boolean {
  try {
    writeFileSync(`${group}/cgroup.procs`, String(process.pid));
    return true;
  } catch {
    return false;
  }
}

/** Our own group, without that of a job we may be a part of, where it may have children. Asked once: a launch has no time for five looks at what never changes. */
export const ownControlGroup: () => string | undefined = once(() => {
  const own = controlGroupOf('self')?.replace(jobGroup, '');
  if (own === undefined) return undefined;
  try {
    accessSync(`${own}/cgroup.procs`, constants.W_OK);
    return own;
  } catch {
    return undefined;
  }
});

/** The group that a process is in; undefined where there are none, where it is gone, and for one outside of what we see. */
export function controlGroupOf(pid: number | 'self'): string | undefined {
  if (process.platform !== 'linux') return undefined;
  const mount = mounts.find((path) => existsSync(`${path}/cgroup.procs`) && existsSync(`${path}/cgroup.controllers`));
  if (mount === undefined) return undefined;
  try {
    const line = /^0::(\/.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1];
    if (line === undefined || line.startsWith('/..')) return undefined;
    return `${mount}${line === '/' ? '' : line}`;
  } catch {
    return undefined;
  }
}
