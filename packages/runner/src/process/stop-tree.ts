import { bootId, isAlive, type ProcessEntry, type ProcessIdentity } from './identity.ts';
import { sendSignal } from './send-signal.ts';
import type { StopPlan } from './stop-plan.ts';
import { listProcesses, treeMembers } from './tree.ts';

/** What a stop did: how, to whom, and who is still there. */
export interface StopReport {
  readonly mechanism: 'process-group';
  /** Pids of the tree when the stop began. */
  readonly members: readonly number[];
  /** Pids that are still alive; empty when the whole tree is gone. */
  readonly survivors: readonly number[];
  readonly elapsedMs: number;
}

/** How often the tree is looked at while a stop is under way, in ms; the process table cannot be watched. */
const lookEveryMs = 15;

/**
 * Stops the tree that `leader` leads. The leader is the shim that records the ending: it survives every signal but
 * KILL, so KILL goes to the members one by one and the record is still written. Signals nobody whose identity does
 * not match. Resolves when the tree is gone or the plan is at its end; rejects with the signal's reason on abort.
 */
export async function stopTree(
  leader: ProcessIdentity,
  plan: StopPlan,
  { signal, onStep }: { signal?: AbortSignal; onStep?: (signal: NodeJS.Signals) => void } = {},
): Promise<StopReport> {
  const startedMs = performance.now();
  const first = membersOf(leader);
  for (const step of plan.steps) {
    signal?.throwIfAborted();
    onStep?.(step.signal);
    const deadlineMs = performance.now() + step.waitMs;
    if (step.signal !== 'SIGKILL') signalOnce(leader, step.signal);
    do {
      if (step.signal === 'SIGKILL') for (const entry of membersOf(leader)) sendSignal(identityOf(entry), 'SIGKILL');
      if (isGone(leader)) return report(leader, first, startedMs);
      await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
      signal?.throwIfAborted();
    } while (performance.now() < deadlineMs);
  }
  return report(leader, first, startedMs);
}

/** The group gets the signal at once; members that left the group get it one by one. */
function signalOnce(leader: ProcessIdentity, signal: NodeJS.Signals): void {
  const outside = membersOf(leader).filter((entry) => entry.group !== leader.pid);
  if (sendSignal(leader, signal, 'group') === 'gone') {
    for (const entry of membersOf(leader)) sendSignal(identityOf(entry), signal);
    return;
  }
  for (const entry of outside) sendSignal(identityOf(entry), signal);
}

function report(leader: ProcessIdentity, first: readonly ProcessEntry[], startedMs: number): StopReport {
  return {
    mechanism: 'process-group',
    members: first.map((entry) => entry.pid),
    survivors: membersOf(leader).map((entry) => entry.pid),
    elapsedMs: Math.round(performance.now() - startedMs),
  };
}

const membersOf = (leader: ProcessIdentity): ProcessEntry[] =>
  leader.boot === bootId() ? treeMembers(leader, listProcesses()) : [];
const isGone = (leader: ProcessIdentity): boolean => !isAlive(leader) && membersOf(leader).length === 0;
const identityOf = (entry: ProcessEntry): ProcessIdentity => ({ pid: entry.pid, start: entry.start, boot: bootId() });
