/**
 * Putting a running tree into a control group, from which nobody leaves unnoticed. Not at its start: the kernel takes
 * 5 to 20 ms for it, in which the tree could not begin, and most jobs end sooner. Until then, and where there are no
 * control groups, its members are known by what `members.ts` lists.
 */
import { writeFile } from 'node:fs';
import { createControlGroup, removeControlGroup } from './control-group.ts';
import { membersOf, type TreeTarget } from './members.ts';

/** Age at which a tree gets a control group, in ms. */
export const encloseAfterMs = 100;

/** Rounds in which members that were forked outside meanwhile are brought in. */
const roundsMax = 5;

/**
 * Moves a tree into a new control group; `onGroup` hears of it before anybody is in it. Resolves when no member is outside
 * any more, or at once where this system has no control groups for us.
 */
export async function enclose(target: TreeTarget, name: string, onGroup: (path: string) => void): Promise<void> {
  const group = createControlGroup(name);
  if (group === undefined) return;
  onGroup(group);
  const inside = new Set<number>();
  for (let round = 0; round < roundsMax; round++) {
    const outside = membersOf(target).filter(({ pid }) => !inside.has(pid));
    if (outside.length === 0) break;
    for (const { pid } of outside) {
      inside.add(pid);
      await attach(group, pid);
    }
  }
  if (inside.size === 0) removeControlGroup(group);
}

/** Without blocking: the kernel waits for all processors here. A process that is gone meanwhile is fine. */
const attach = (group: string, pid: number): Promise<void> =>
  new Promise((resolve) => writeFile(`${group}/cgroup.procs`, String(pid), () => resolve()));
