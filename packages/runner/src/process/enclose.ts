/**
 * Putting a running tree into a control group, from which nobody leaves unnoticed. Not at its start: the kernel takes
 * 5 to 20 ms for it, in which the tree could not begin, and most jobs end sooner. Until then, and where there are no
 * control groups, its members are known by what `members.ts` lists.
 */
import { writeFile } from 'node:fs';
import { createControlGroup, removeControlGroup } from './control-group.ts';
import { membersOfAll, type TreeTarget } from './members.ts';

/** Age at which a tree gets a control group, in ms. */
export const encloseAfterMs = 100;

/** Rounds in which members that were forked outside meanwhile are brought in. */
const roundsMax = 5;

/** A tree that is to get a control group. */
export interface Enclosing {
  readonly target: TreeTarget;
  readonly name: string;
  /** Hears of the group before anybody is in it; when it throws, the tree stays as it is. */
  readonly onGroup: (path: string) => void;
}

/**
 * Moves trees into new control groups, with a few looks at the processes of the machine for all of them. Resolves when no
 * member is outside any more, or at once where this system has no control groups for us.
 */
export async function enclose(enclosings: readonly Enclosing[]): Promise<void> {
  const groups = new Map(enclosings.flatMap((enclosing) => groupFor(enclosing)));
  const inside = new Map([...groups.keys()].map((target) => [target, new Set<number>()]));
  for (let round = 0; round < roundsMax && inside.size > 0; round++) {
    for (const [target, members] of membersOfAll([...inside.keys()])) {
      const known = inside.get(target);
      const outside = members.filter(({ pid }) => !known?.has(pid));
      if (outside.length === 0) {
        inside.delete(target);
        if (known?.size === 0) removeControlGroup(groups.get(target) ?? '');
      }
      for (const { pid } of outside) {
        known?.add(pid);
        await attach(groups.get(target) ?? '', pid);
      }
    }
  }
}

function groupFor({ target, name, onGroup }: Enclosing): [TreeTarget, string][] {
  const group = createControlGroup(name);
  if (group === undefined) return [];
  try {
    onGroup(group);
  } catch {
    removeControlGroup(group); // the job was deleted, or the disk is full: it is taken without a group
    return [];
  }
  return [[target, group]];
}

/** Without blocking: the kernel waits for all processors here. A process that is gone meanwhile is fine. */
const attach = (group: string, pid: number): Promise<void> =>
  new Promise((resolve) => writeFile(`${group}/cgroup.procs`, String(pid), () => resolve()));
