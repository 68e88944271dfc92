/**
 * Putting a running tree into a control group, from which nobody leaves unnoticed. Not at its start: the kernel takes
 * 5 to 20 ms for it, in which the tree could not begin, and most jobs end sooner. Until then, and where there are no
 * control groups, its members are known by what `members.ts` lists.
 */
import { writeFile } from 'node:fs';
import { type ProcessEntry, readProcess } from '../identity.ts';
import { isStillMember, membersOfAll, type TreeTarget } from '../tree.ts';
import {
  controlGroupMembers,
  controlGroupOf,
  createControlGroup,
  isInControlGroup,
  ownControlGroup,
  removeControlGroup,
} from './control-group.ts';

/** Age at which a tree gets a control group, in ms. */
export const encloseAfterMs = 100;

/** Rounds in which members that were forked outside meanwhile are brought in. */
const roundsMax = 5;

/** A tree that is to get a control group. */
export interface Enclosing {
  /** Without a group: members are known by their ties until it is settled. */
  readonly target: TreeTarget;
  readonly name: string;
  /** Somebody has begun it, and has not come to its end. */
  readonly hasBegun: boolean;
  /** Hears of the group before anybody is in it; when it throws, the tree stays as it is. */
  readonly onGroup: (path: string) => void;
  /** The tree is in the group, and nobody else. When it throws, the group counts as one that is not settled, and who encloses hears of it. */
  readonly onSettled: () => void;
}

/**
 * Moves trees into new control groups, with a few looks at the processes of the machine for all of them. Resolves when no
 * member is outside any more, or at once where this system has no control groups for us. `onUnsettled` hears why a group counts for nothing.
 */
async function enclose(
  enclosings: readonly Enclosing[],
  onUnsettled: (enclosing: Enclosing, why: unknown) => void,
): Promise<void> {
  const open = new Map(enclosings.flatMap((enclosing) => groupFor(enclosing)));
  for (let round = 0; round < roundsMax && open.size > 0; round++) {
    for (const [target, members] of membersOfAll([...open.keys()])) {
      const { group, enclosing } = open.get(target) as Opened;
      const inside = new Set(controlGroupMembers(group));
      const outside = members.filter(({ pid }) => !inside.has(pid));
      const isClean = await attachAll(group, outside, target);
      if (outside.length > 0 && isClean) continue;
      open.delete(target);
      if (!isClean) onUnsettled(enclosing, new Error('a process that is none of the job stays in its control group'));
      else if (inside.size === 0) removeControlGroup(group);
      else tellSettled(enclosing, onUnsettled);
    }
  }
  for (const { enclosing } of open.values())
    onUnsettled(enclosing, new Error('processes of the job come faster than they are brought into its control group'));
}

interface Opened {
  readonly group: string;
  readonly enclosing: Enclosing;
}

function groupFor(enclosing: Enclosing): [TreeTarget, Opened][] {
  const { target, name, hasBegun, onGroup } = enclosing;
  const group = createControlGroup(name, { again: hasBegun });
  if (group === undefined) return [];
  try {
    onGroup(group);
  } catch {
    removeControlGroup(group); // the job was deleted, or the disk is full: its tree is taken without a group
    return [];
  }
  return [[target, { group, enclosing }]];
}

function tellSettled(enclosing: Enclosing, onUnsettled: (enclosing: Enclosing, why: unknown) => void): void {
  try {
    enclosing.onSettled();
  } catch (error) {
    onUnsettled(enclosing, error);
  }
}

/** False when somebody who is none of the tree stays in the group. */
async function attachAll(group: string, members: readonly ProcessEntry[], target: TreeTarget): Promise<boolean> {
  for (const member of members) if (!(await attach(group, member, target))) return false;
  return true;
}

/** Brings a member in. Each takes its time: meanwhile the next may have ended, and its pid be a stranger's. False when a stranger stays inside. */
export async function attach(group: string, member: ProcessEntry, target: TreeTarget): Promise<boolean> {
  if (!isStillMember(target, member)) return true;
  await moveTo(group, member.pid);
  return expelStranger(group, member.pid, target);
}

/**
 * All the kernel takes is a pid, and it looks whose that is after a wait of some ms: a stranger who has got it meanwhile goes back to
 * where it was born, which is where its parent is, or at least out of the group. False when it stays.
 */
export async function expelStranger(group: string, pid: number, target: TreeTarget): Promise<boolean> {
  const now = readProcess(pid);
  if (!now || isStillMember(target, now)) return true;
  for (const home of [controlGroupOf(now.parent), ownControlGroup()])
    if (home !== undefined && home !== group && (await moveTo(home, pid))) return true;
  return !isInControlGroup(pid, group);
}

/** Without blocking: the kernel waits for all processors here. False when it cannot be done; a process that is gone meanwhile is fine. */
export const moveTo = (group: string, pid: number): Promise<boolean> =>
  new Promise((resolve) => writeFile(`${group}/cgroup.procs`, String(pid), (error) => resolve(error === null)));

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

/**
 * `enclosingOf` says at the time how a tree is enclosed; undefined when it needs no group any more. It may throw. `onTrouble` hears of that,
 * and of a group that was made and counts for nothing: the members of that tree are known by their ties then.
 */
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
      const treeOf = new Map<Enclosing, T>();
      for (const tree of trees) {
        const enclosing = enclosingOf(tree);
        if (enclosing) treeOf.set(enclosing, tree);
      }
      await enclose([...treeOf.keys()], (enclosing, why) => onTrouble(treeOf.get(enclosing) as T, why));
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
