/** Who belongs to a tree: by session, group and descent, by its control group, by its logs, by the mark it was started with. */
import { controlGroupMembers } from './control-group.ts';
import { bootId, type ProcessEntry, type ProcessIdentity } from './identity.ts';
import { listProcesses, logHolders, markHolders, treeMembers } from './tree.ts';

/** A tree, and all that its members can be known by. */
export interface TreeTarget {
  /** The shim, which leads session and process group of the tree. */
  readonly leader: ProcessIdentity;
  /** Control group of the tree, once it has one. */
  readonly controlGroup?: string;
  /** Files that only processes of this tree have as stdout or stderr: they tell a member that left session and parents. */
  readonly logs?: readonly string[];
  /** Value of `treeVariable` in the environment that the tree was started with. */
  readonly mark?: string;
}

/** Live members of a tree now, the leader excluded; none when it belongs to another boot. */
export function membersOf({ leader, controlGroup, logs = [], mark }: TreeTarget): ProcessEntry[] {
  if (leader.boot !== bootId()) return [];
  const processes = listProcesses();
  const found = new Map(treeMembers(leader, processes).map((entry) => [entry.pid, entry]));
  // No member is older than its leader: that leaves a handful to look at closely.
  const others = processes.filter(({ pid, start }) => !found.has(pid) && !isOlder(start, leader.start));
  const tied = new Set([
    ...(controlGroup ? controlGroupMembers(controlGroup) : []),
    ...logHolders(logs, others),
    ...(mark === undefined ? [] : markHolders(mark, others)),
  ]);
  for (const entry of processes) {
    if (tied.has(entry.pid) && entry.pid !== leader.pid && !entry.zombie) found.set(entry.pid, entry);
  }
  return [...found.values()];
}

/** Start times are clock ticks on Linux; elsewhere nobody is known to be older. */
const isOlder = (start: string, than: string): boolean => Number(start) < Number(than);
