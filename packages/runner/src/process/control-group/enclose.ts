/**
 * Putting a running tree into a control group, from which nobody leaves unnoticed. Not at its start: the kernel takes
 * 5 to 20 ms for it, in which the tree could not begin, and most jobs end sooner. Until then, and where there are no
 * control groups, its members are known by what `members.ts` lists.
 */
import { writeFile } from 'node:fs';
import { isStillMember, membersOfAll, type TreeTarget } from '../tree.ts';
import { createControlGroup, removeControlGroup } from './control-group.ts';

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
async function enclose(enclosings: readonly Enclosing[]): Promise<void> {
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
      for (const entry of outside) {
        // Each of them takes its time: meanwhile the next may have ended, and its pid be a stranger's.
        if (!isStillMember(target, entry)) continue;
        known?.add(entry.pid);
        await attach(groups.get(target) ?? '', entry.pid);
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

/**
 * Gives the trees of a program their control groups, many at once: each time takes a look at every process of the machine, so
 * who meets a thousand trees is not to make a thousand of them.
 */
export interface Encloser<T> {
  /** Takes a tree in; call the answer when it needs no group any more. */
  add(tree: T): () => void;
}

/** The pause behind a turn is so many times as long as the turn took, and at most so many ms. */
const [pausePerWork, pauseMsMax] = [10, 1_000];

/** `enclosingOf` says at the time how a tree is enclosed; undefined when it needs no group any more. It may throw. */
export function createEncloser<T>(
  enclosingOf: (tree: T) => Enclosing | undefined,
  onTrouble: (tree: T, error: unknown) => void,
): Encloser<T> {
  /** Since when, in ms; oldest first. */
  const waiting = new Map<T, number>();
  let timer: NodeJS.Timeout | undefined;
  let isBusy = false;
  const turn = async (): Promise<void> => {
    timer = undefined;
    isBusy = true;
    const startedMs = performance.now();
    const trees = [...waiting.keys()].filter((tree) => ageOf(tree) >= encloseAfterMs);
    for (const tree of trees) waiting.delete(tree);
    try {
      await enclose(trees.map((tree) => enclosingOf(tree)).filter((enclosing) => enclosing !== undefined));
    } catch (error) {
      for (const tree of trees) onTrouble(tree, error);
    }
    isBusy = false;
    schedule((performance.now() - startedMs) * pausePerWork);
  };
  const ageOf = (tree: T): number => performance.now() - (waiting.get(tree) ?? 0);
  const schedule = (pauseMs: number): void => {
    const [oldest] = waiting.keys();
    if (isBusy || oldest === undefined) return;
    const dueMs = Math.ceil(encloseAfterMs - ageOf(oldest)) + 1;
    // Nobody waits for it: whoever watches over the job next does what is left undone.
    timer ??= setTimeout(turn, Math.max(dueMs, Math.min(pauseMs, pauseMsMax))).unref();
  };
  return {
    add(tree) {
      waiting.set(tree, performance.now());
      schedule(0);
      return () => {
        waiting.delete(tree);
        if (waiting.size > 0) return;
        clearTimeout(timer);
        timer = undefined;
      };
    },
  };
}
