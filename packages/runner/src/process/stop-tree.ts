import { readFileSync } from 'node:fs';
import { killControlGroup, removeControlGroup } from './control-group/control-group.ts';
import { clockTick, isAlive, type ProcessEntry } from './identity.ts';
import { sendSignal } from './send-signal.ts';
import type { StopPlan } from './stop-plan.ts';
import { isStillMember, isYoung, membersOf, nameOf, type TreeTarget } from './tree.ts';

/** What a stop did: how, to whom, and who is still there. */
export interface StopReport {
  /** `process`: one process alone, of which nothing more is known. */
  readonly mechanism: 'control-group' | 'process-group' | 'process';
  /** Pids of the tree when the stop began. */
  readonly members: readonly number[];
  /** Pids that are still alive; empty when the whole tree is gone. */
  readonly survivors: readonly number[];
  readonly elapsedMs: number;
}

export interface StopTreeOptions {
  readonly signal?: AbortSignal;
}

/** Pauses between two looks at the tree while a stop is under way, in ms: the process table cannot be watched. */
const [lookFirstMs, lookMaxMs] = [1, 10];

/** One pause after the other: short at first, because most trees go at once. */
function createPauses(): () => Promise<void> {
  let pauseMs = lookFirstMs;
  return () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    setTimeout(resolve, pauseMs);
    pauseMs = Math.min(lookMaxMs, pauseMs * 1.5);
    return promise;
  };
}

/** A tree while it is being stopped. */
interface WatchedTree extends Pick<TreeTarget, 'leader' | 'controlGroup'> {
  isLed(): boolean;
  /** Its live members but ourselves: whoever stops a tree from within is not what it stops. */
  members(onUnclear?: () => void): ProcessEntry[];
  /** Signals one of them, if that is still the one that it was. */
  send(member: ProcessEntry, signal: NodeJS.Signals): void;
}

function watchTree(target: TreeTarget): WatchedTree {
  const { leader } = target;
  const young = new WeakSet<ProcessEntry>();
  /** Those that were members while the leader lived: one that started in the tick in which it was last seen is no stranger. */
  const known = new Set<string>();
  let ledAt = 0;
  const isLed = (): boolean => {
    const tick = clockTick();
    const isSo = isAlive(leader);
    if (isSo) ledAt = tick;
    return isSo;
  };
  return {
    leader,
    get controlGroup() {
      return target.controlGroup;
    },
    isLed,
    members(onUnclear) {
      isLed();
      const tick = clockTick();
      const found = membersOf({ ...target, ledAt, known }, { tick, onUnclear }).filter(
        ({ pid }) => pid !== process.pid,
      );
      for (const entry of found) if (isYoung(entry, tick)) young.add(entry);
      if (isLed()) for (const entry of found) known.add(nameOf(entry));
      return found;
    },
    send(member, signal) {
      const isMeant = young.has(member) ? () => isStillMember({ ...target, ledAt, known }, member) : undefined;
      sendSignal({ pid: member.pid, start: member.start, boot: leader.boot }, signal, 'process', isMeant);
    },
  };
}

/** How long a fresh leader may be alone before it counts as a tree without members, in ms. */
const startWaitMs = 1_000;

/**
 * Stops a tree. The leader records the ending: it survives every signal but KILL, so KILL goes to the control group, or to
 * the members one by one, and the record is still written. Signals nobody whose identity does not match. Resolves
 * when the tree is gone or the plan is at its end; rejects with the signal's reason on abort.
 */
export async function stopTree(
  target: TreeTarget,
  plan: StopPlan,
  { signal }: StopTreeOptions = {},
): Promise<StopReport> {
  const startedMs = performance.now();
  const tree = watchTree(target);
  let left = await startedMembers(tree, signal);
  const members = left.map(({ pid }) => pid);
  let mechanism: StopReport['mechanism'] = 'process-group';
  // Nobody is left only when nobody might be who cannot be known just now.
  let isClear = false;
  const isGone = (): boolean => left.length === 0 && isClear;
  for (const step of plan.steps) {
    signal?.throwIfAborted();
    const deadlineMs = performance.now() + step.waitMs;
    if (step.signal !== 'SIGKILL') signalOnce(tree, left, step.signal);
    const pause = createPauses();
    for (;;) {
      if (step.signal === 'SIGKILL' && killAll(tree)) mechanism = 'control-group';
      // The leader goes last, so while it lives there is no need for a look at all the others, which costs milliseconds.
      const isLed = tree.isLed();
      const isOver = performance.now() >= deadlineMs;
      if (!isLed || isOver) {
        isClear = true;
        left = tree.members(() => {
          isClear = false;
        });
      }
      if (isOver || (!isLed && isGone())) break;
      await pause();
      signal?.throwIfAborted();
    }
    if (isGone() && !tree.isLed()) break;
  }
  if (target.controlGroup) removeControlGroup(target.controlGroup);
  const survivors = left.map(({ pid }) => pid);
  return { mechanism, members, survivors, elapsedMs: Math.round(performance.now() - startedMs) };
}

/**
 * A member that runs a program of its own. The shim's fork is none until it has become the workload: it still has the
 * shim's traps for a moment, and would swallow a signal.
 */
function isOnItsOwn(pid: number, leaderPid: number): boolean {
  return process.platform !== 'linux' || commandLine(pid) !== commandLine(leaderPid);
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    return '';
  }
}

/**
 * The members of a tree, once there is one: right after a launch the leader is still alone, and a signal would reach
 * it before it has set its traps, or be over before the workload exists.
 */
async function startedMembers(tree: WatchedTree, signal: AbortSignal | undefined): Promise<ProcessEntry[]> {
  const deadlineMs = performance.now() + startWaitMs;
  const pause = createPauses();
  for (;;) {
    const members = tree.members();
    if (members.some(({ pid }) => isOnItsOwn(pid, tree.leader.pid))) return members;
    if (!tree.isLed() || performance.now() >= deadlineMs) return members;
    await pause();
    signal?.throwIfAborted();
  }
}

/** The group gets the signal at once; members that left the group get it one by one. */
function signalOnce(tree: WatchedTree, members: readonly ProcessEntry[], signal: NodeJS.Signals): void {
  const reached = sendSignal(tree.leader, signal, 'group') === 'sent';
  for (const entry of members) {
    if (!reached || entry.group !== tree.leader.pid) tree.send(entry, signal);
  }
}

/** One round of KILL; true when the control group did it. Who forks meanwhile is met in the next round. */
function killAll(tree: WatchedTree): boolean {
  const isKilled = tree.controlGroup !== undefined && killControlGroup(tree.controlGroup);
  for (const entry of tree.members()) tree.send(entry, 'SIGKILL');
  return isKilled;
}
