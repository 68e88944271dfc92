/** Who belongs together by session, process group and descent, as one listing of processes shows it. */
import type { ProcessEntry, ProcessIdentity } from './identity.ts';

/** One listing of processes, for questions about many trees. */
export interface ProcessTable {
  readonly processes: readonly ProcessEntry[];
  /**
   * The live members of the tree that `leader` leads, the leader itself excluded: everything in its session or process
   * group, and all descendants of these. When the leader is gone, of the former only those that `isVouched` takes: its number may
   * have been somebody else's since. Whom `leadsAnother` takes is none, nor are those that only it leads to.
   */
  membersOf(leader: ProcessIdentity, asked?: TableQuestions): ProcessEntry[];
}

/** What the table asks of a process of which it must know more than is listed. */
interface TableQuestions {
  readonly isVouched?: (entry: ProcessEntry) => boolean;
  readonly leadsAnother?: (entry: ProcessEntry) => boolean;
}

export function createProcessTable(processes: readonly ProcessEntry[]): ProcessTable {
  const byPid = new Map<number, ProcessEntry>();
  for (const entry of processes) byPid.set(entry.pid, entry);
  const children = indexBy(processes, 'parent');
  const ties = [children, indexBy(processes, 'session'), indexBy(processes, 'group')];
  return {
    processes,
    membersOf(leader, { isVouched = () => true, leadsAnother = () => false } = {}) {
      const holder = byPid.get(leader.pid);
      // The kernel does not give out a pid that still names a session or group: a new owner means that nobody is left.
      if (holder && holder.start !== leader.start) return [];
      const inTree = new Map<number, ProcessEntry>();
      const found: ProcessEntry[] = [];
      for (const index of ties) {
        const tied = index.get(leader.pid) ?? [];
        found.push(...(holder ? tied : tied.filter(isVouched)));
      }
      for (let entry = found.pop(); entry; entry = found.pop()) {
        if (entry.pid === leader.pid || inTree.has(entry.pid) || leadsAnother(entry)) continue;
        inTree.set(entry.pid, entry);
        found.push(...(children.get(entry.pid) ?? []));
      }
      return [...inTree.values()].filter(({ zombie }) => !zombie).sort((a, b) => a.pid - b.pid);
    },
  };
}

/** By hand: at the start of a program each of the system's own ways costs a tenth of a millisecond, which is much for two processes. */
function indexBy(processes: readonly ProcessEntry[], key: 'parent' | 'session' | 'group'): Map<number, ProcessEntry[]> {
  const index = new Map<number, ProcessEntry[]>();
  for (const entry of processes) {
    const known = index.get(entry[key]);
    if (known) known.push(entry);
    else index.set(entry[key], [entry]);
  }
  return index;
}
