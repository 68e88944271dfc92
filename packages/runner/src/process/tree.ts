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

/** One listing of processes, for questions about many trees. */
export interface ProcessTable {
  readonly processes: readonly ProcessEntry[];
  /** Members of the tree that `leader` leads, as {@link treeMembers} says. */
  membersOf(leader: ProcessIdentity): ProcessEntry[];
}

export function createProcessTable(processes: readonly ProcessEntry[]): ProcessTable {
  const byPid = new Map(processes.map((entry) => [entry.pid, entry]));
  const children = Map.groupBy(processes, ({ parent }) => parent);
  const sessions = Map.groupBy(processes, ({ session }) => session);
  const groups = Map.groupBy(processes, ({ group }) => group);
  return {
    processes,
    membersOf(leader) {
      const holder = byPid.get(leader.pid);
      // The kernel does not give out a pid that still names a session or group: a new owner means that nobody is left.
      if (holder && holder.start !== leader.start) return [];
      const inTree = new Map<number, ProcessEntry>();
      const found = [sessions, groups, children].flatMap((entries) => entries.get(leader.pid) ?? []);
      for (let entry = found.pop(); entry; entry = found.pop()) {
        if (entry.pid === leader.pid || inTree.has(entry.pid)) continue;
        inTree.set(entry.pid, entry);
        found.push(...(children.get(entry.pid) ?? []));
      }
      return [...inTree.values()].filter(({ zombie }) => !zombie).sort((a, b) => a.pid - b.pid);
    },
  };
}

/**
 * The live members of the tree that `leader` leads, the leader itself excluded: everything in its session or process
 * group, and all descendants of these. A member that moved to a session of its own *and* whose parents are gone cannot
 * be told from a stranger without a control group, and is not listed.
 */
export const treeMembers = (leader: ProcessIdentity, processes: readonly ProcessEntry[]): ProcessEntry[] =>
  createProcessTable(processes).membersOf(leader);

/** Pids whose stdout or stderr is one of these files. Linux only; elsewhere none. */
export function logHolders(logs: readonly string[], processes: readonly ProcessEntry[]): number[] {
  return processes.map(({ pid }) => pid).filter((pid) => outputsOf(pid).some((path) => logs.includes(path)));
}

/** What the stdout and stderr of a process are, as far as the system tells. Linux only; elsewhere nothing. */
export const outputsOf = (pid: number): readonly string[] =>
  process.platform === 'linux' ? [linkOf(`/proc/${pid}/fd/1`), linkOf(`/proc/${pid}/fd/2`)] : [];

/** Variable that a tree without a control group carries: its processes are known by it, whatever ties they have cut. */
export const treeVariable = 'JOB_TREE_MARK';

/** The mark in the environment that a process was started with. Linux only; elsewhere none. */
export function markOf(pid: number): string | undefined {
  if (process.platform !== 'linux') return undefined;
  const before = `\0${treeVariable}=`;
  const text = `\0${environmentTextOf(pid)}`;
  const at = text.indexOf(before);
  return at < 0 ? undefined : text.slice(at + before.length).split('\0', 1)[0];
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
