/** How a job ended, as it stands in an answer. */
import { type JobView, signalByNumber } from '@kanade/runner';
import { isTerminal } from '@kanade/shared/job-words';

/** `exit_code` when the process returned one. */
export function exitCodeField({ state }: JobView): { exit_code?: number } {
  return typeof state?.result.exit_code === 'number' ? { exit_code: state.result.exit_code } : {};
}

/** How the job ended: contract fields, then ours (`signal_number`, `ending`, `error`). Empty while it runs. */
export function endingFields(view: JobView): Record<string, unknown> {
  const { state } = view;
  if (!state || !isTerminal(view.status)) return {};
  const signal = signalFields(view);
  return {
    ...exitCodeField(view),
    ...(state.finished_at ? { finished_at: state.finished_at } : {}),
    ...(signal ? { signal: signal.name, signal_number: signal.number } : {}),
    ...(typeof state.result.duration_ms === 'number' ? { duration_ms: state.result.duration_ms } : {}),
    ...reasonOf(view),
  };
}

/** Why it ended as it did, where that is known: the kind of ending, who asked for it, what went wrong. */
export function reasonOf({ state }: JobView): Record<string, unknown> {
  const by = state?.ending && 'by' in state.ending ? { ended_by: state.ending.by } : {};
  return {
    ...(state?.ending ? { ending: state.ending.kind, ...by } : {}),
    ...(state?.error ? { error: state.error } : {}),
  };
}

/** The signal that ended the job, by name where this system has one. */
export function signalFields({ state }: JobView): { name: string; number: number } | undefined {
  const text = state?.result.signal;
  if (typeof text !== 'string') return undefined;
  const number = Number(text);
  return { name: signalByNumber(number)?.name ?? text, number };
}
