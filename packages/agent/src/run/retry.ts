/** Running again what failed, in its place, until it succeeds, is stopped, may not start any more or has failed often enough. */
import type { Launcher } from './launch.ts';
import {
  type JobOutcome,
  type LiveRun,
  notStarted,
  type Outcome,
  type Refusal,
  type Retried,
  type Run,
} from './model.ts';

/** How the order of a run came, for its gates. */
interface Given {
  /** Fires when somebody stops the run, or the agent ends. */
  readonly signal: AbortSignal;
  readonly isKnown: boolean;
  readonly subject: string | undefined;
}

export interface RetryTurns {
  /**
   * Takes a run that has its place through the gates again, after a pause in ms on the monotonic clock. Resolves with what it needs,
   * or with why it may not start once more, as soon as that is known. Rejects with the signal's reason on abort.
   */
  again(run: Run, given: Given & { readonly pauseMs: number }): Promise<Disposable | Refusal>;
}

interface RetryPorts {
  readonly launcher: Pick<Launcher, 'launch' | 'drop'>;
  readonly turns: RetryTurns;
}

/**
 * Resolves with what became of the last attempt that was started, which `outcome` may be already. Rejects when the agent ends: the
 * next one finds the ended job of the newest attempt and goes on from there.
 */
export async function retry(
  { launcher, turns }: RetryPorts,
  live: LiveRun,
  { outcome, given }: { outcome: Outcome; given: Given },
): Promise<Outcome> {
  const { max, backoff_secs } = live.run.command.retry ?? { max: 0, backoff_secs: 0 };
  if (outcome.kind !== 'job') return outcome;
  let last = outcome;
  let count = outcome.retried?.count ?? 0;
  const as = (more: Partial<Retried> = {}): JobOutcome => ({ ...last, retried: { count, ...more } });
  let pauseMs = leftOf(backoff_secs * 1000, outcome);
  for (;;) {
    if (!hasFailed(last)) return count > 0 ? as() : last;
    if (live.stoppedBy) return as({ stoppedBy: live.stoppedBy });
    // It could not be started again in an earlier life of this agent.
    if (last.retried?.refusal) return last;
    if (count >= max) return as();
    const turn = await turns.again(live.run, { ...given, pauseMs }).catch((error: unknown) => {
      if (!live.stoppedBy) throw error;
      return undefined;
    });
    if (turn && 'gate' in turn) return as(live.stoppedBy ? { stoppedBy: live.stoppedBy } : { refusal: turn });
    using _held = turn;
    if (live.stoppedBy) return as({ stoppedBy: live.stoppedBy });
    const next = await launcher.launch(live, count + 1);
    // Nothing was started: what was there before counts.
    if (next.kind === 'refused') return as({ refusal: next.refusal });
    if (next.kind !== 'job') return next;
    if (next.state?.ending?.kind === 'not_started') return as({ refusal: notStarted(next.state.ending.reason) });
    launcher.drop(last.jobId);
    last = next;
    count++;
    pauseMs = backoff_secs * 1000;
  }
}

/**
 * A non-zero exit, a time-out or a death by a signal that nobody of us sent. Who was stopped is not run again; neither is what could
 * not be started at all, nor what nobody saw end: that may still be running.
 */
function hasFailed({ state }: JobOutcome): boolean {
  const ending = state?.ending;
  if (ending?.kind === 'exited') return ending.exitCode !== 0;
  return ending?.kind === 'timed_out' || ending?.kind === 'signaled';
}

/**
 * The pause before a retry. An attempt that ended while no agent was there may have waited for some of it already: wall clocks jump,
 * so that never makes it longer.
 */
function leftOf(pauseMs: number, { startedAtMs, state }: JobOutcome): number {
  if (startedAtMs !== undefined || state?.finished_at === undefined) return pauseMs;
  return Math.min(pauseMs, Math.max(0, Date.parse(state.finished_at) + pauseMs - Date.now()));
}
