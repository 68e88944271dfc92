/** One step of stopping a tree: what to send to whom, and how long to wait for the end afterwards, in ms. */
export interface StopStep {
  readonly signal: NodeJS.Signals;
  readonly waitMs: number;
}

/** How a tree is to be stopped. */
export interface StopPlan {
  readonly steps: readonly StopStep[];
}

/** Default time that a workload gets between TERM and KILL, in ms (fleet reference, section 4.4). */
export const defaultGraceMs = 5_000;

/** Longest wait for a tree to disappear after SIGKILL, in ms: only the kernel can delay that. */
export const killWaitMs = 2_000;

/**
 * TERM, then `graceMs`, then KILL. Another first signal replaces TERM; `only` sends exactly that one signal and
 * waits `graceMs` for its effect. KILL needs no second step.
 */
export function planStop(first: NodeJS.Signals, graceMs: number, only = false): StopPlan {
  if (first === 'SIGKILL') return { steps: [{ signal: 'SIGKILL', waitMs: killWaitMs }] };
  const gentle: StopStep = { signal: first, waitMs: graceMs };
  return { steps: only ? [gentle] : [gentle, { signal: 'SIGKILL', waitMs: killWaitMs }] };
}
