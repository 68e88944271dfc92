import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { listWithPs, type ProcessEntry, type ProcessIdentity, readProcess } from './identity.ts';

/** Every process of this machine that we may see. */
export function listProcesses(): ProcessEntry[] {
  if (process.platform !== 'linux') return listWithPs(['-ax']);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readProcess(Number(name)))
    .filter((entry) => entry !== undefined);
}

/**
 * The live members of the tree that `leader` leads, the leader itself excluded: everything in its session or process
 * group, and all descendants of these. A member that moved to a session of its own *and* whose parents are gone cannot
 * be told from a stranger without a control group, and is not listed.
 */
export function treeMembers(leader: ProcessIdentity, processes: readonly ProcessEntry[]): ProcessEntry[] {
  const holder = processes.find((entry) => entry.pid === leader.pid);
  // The kernel does not give out a pid that still names a session or group: a new owner means that nobody is left.
  if (holder && holder.start !== leader.start) return [];
  const inTree = new Set<number>([leader.pid]);
  for (const entry of processes) {
    if (entry.session === leader.pid || entry.group === leader.pid) inTree.add(entry.pid);
  }
  for (let grown = true; grown; ) {
    grown = false;
    for (const entry of processes) {
      if (!inTree.has(entry.pid) && inTree.has(entry.parent)) {
        inTree.add(entry.pid);
        grown = true;
      }
    }
  }
  return processes.filter((entry) => entry.pid !== leader.pid && inTree.has(entry.pid) && !entry.zombie);
}

/** Pids whose stdout or stderr is one of these files. Linux only; elsewhere none. */
export function logHolders(logs: readonly string[], processes: readonly ProcessEntry[]): number[] {
  if (process.platform !== 'linux' || logs.length === 0) return [];
  const holds = (pid: number): boolean => [1, 2].some((fd) => logs.includes(linkOf(`/proc/${pid}/fd/${fd}`)));
  return processes.map(({ pid }) => pid).filter(holds);
}

/** Variable that a tree without a control group carries: its processes are known by it, whatever ties they have cut. */
export const treeVariable = 'JOB_TREE_MARK';

/** Pids that carry the mark of a tree in the environment that they were started with. Linux only; elsewhere none. */
export function markHolders(mark: string, processes: readonly ProcessEntry[]): number[] {
  if (process.platform !== 'linux') return [];
  const entry = `\0${treeVariable}=${mark}\0`;
  return processes.map(({ pid }) => pid).filter((pid) => `\0${environmentTextOf(pid)}`.includes(entry));
}

function environmentTextOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1');
  } catch {
    return ''; // ended, or not ours to look at
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ''; // closed, ended, or not ours to look at
  }
}
