/** Who belongs to a tree: by session, group and descent, by its control group, by its logs, by the mark it was started with. */
import { controlGroupMembers } from './control-group.ts';
import { bootId, type ProcessEntry, type ProcessIdentity } from './identity.ts';
import { createProcessTable, listProcesses, markOf, outputsOf } from './tree.ts';

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
export const membersOf = (target: TreeTarget): ProcessEntry[] => membersOfAll([target]).get(target) ?? [];

/** The same for many trees, with one look at each process of the machine, whatever their number. */
export function membersOfAll(targets: readonly TreeTarget[]): Map<TreeTarget, ProcessEntry[]> {
  const table = createProcessTable(listProcesses());
  const current = targets.filter(({ leader }) => leader.boot === bootId());
  const found = new Map(current.map((target) => [target, new Set(table.membersOf(target.leader))]));
  const known = new Set([...found.values()].flatMap((members) => [...members]));
  for (const target of current) {
    const inGroup = new Set(target.controlGroup ? controlGroupMembers(target.controlGroup) : []);
    if (inGroup.size === 0) continue;
    for (const entry of table.processes) if (inGroup.has(entry.pid)) found.get(target)?.add(entry);
  }
  const tieOf = createTies(current);
  // No member is older than its leader: that leaves a handful to look at closely.
  const firstStart = Math.min(...current.map(({ leader }) => Number(leader.start)));
  for (const entry of table.processes) {
    if (known.has(entry) || Number(entry.start) < firstStart) continue;
    const target = tieOf(entry);
    if (target && !isOlder(entry, target.leader)) found.get(target)?.add(entry);
  }
  return new Map([...found].map(([target, members]) => [target, [...members].filter(isMemberOf(target))]));
}

const isMemberOf =
  ({ leader }: TreeTarget) =>
  ({ pid, zombie }: ProcessEntry): boolean =>
    pid !== leader.pid && !zombie;

/** Finds the tree of a process that has left session and parents: by its outputs, else by its mark. */
function createTies(targets: readonly TreeTarget[]): (entry: ProcessEntry) => TreeTarget | undefined {
  const byLog = new Map(targets.flatMap((target) => (target.logs ?? []).map((path) => [path, target] as const)));
  const byMark = new Map(
    targets.flatMap((target) => (target.mark === undefined ? [] : [[target.mark, target] as const])),
  );
  return ({ pid }) => {
    const output = byLog.size === 0 ? undefined : outputsOf(pid).find((path) => byLog.has(path));
    if (output !== undefined) return byLog.get(output);
    const mark = byMark.size === 0 ? undefined : markOf(pid);
    return mark === undefined ? undefined : byMark.get(mark);
  };
}

/** Start times are clock ticks on Linux; elsewhere nobody is known to be older. */
const isOlder = (entry: ProcessEntry, leader: ProcessIdentity): boolean => Number(entry.start) < Number(leader.start);
