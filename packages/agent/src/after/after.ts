/**
 * What is made of a run when its processes have ended and before its result is written: the steps, in order. What they do is
 * idempotent: an agent that dies in the middle leaves the run open, and the next one does them again for the same ended job.
 */
import type { Logger } from '../config/logger.ts';
import type { Aftermath, Bundle, JobOutcome, LiveRun, Outcome, Run, Stopper } from '../run/model.ts';

/** A run whose processes have ended. */
export interface EndedRun {
  readonly run: Run;
  readonly outcome: JobOutcome;
  /** Fires when somebody stops the run all the same, or the agent ends. */
  readonly signal: AbortSignal;
}

/** What one step made; absent = nothing of it. */
export type Made = Partial<Aftermath>;

/** One step, with a failure rule of its own: what goes wrong in it never changes how the run ended. */
export interface Step {
  /** The block of the order that asks for it. */
  readonly name: 'check' | 'collect' | 'emit';
  /** Whether it is only for a run that exited with 0. */
  readonly needsSuccess: boolean;
  /** Ends soon on abort, with what it has or with the signal's reason; what it throws becomes a note. */
  take(ended: EndedRun): Promise<Made>;
}

const exitedWell = ({ state }: JobOutcome): boolean => state?.ending?.kind === 'exited' && state.ending.exitCode === 0;

export interface AfterOptions {
  readonly log: Logger;
  /** Fires when the agent ends. */
  readonly signal: AbortSignal;
}

export type After = (live: LiveRun, outcome: Outcome) => Promise<Aftermath | undefined>;

/**
 * The steps behind every run. A run that is stopped while they work has ended as it has: what was made of it by then counts, and a
 * note says who cut them short. Rejects when the agent ends.
 */
export function createAfter(steps: readonly Step[], { log, signal: closing }: AfterOptions): After {
  return async (live, outcome) => {
    if (outcome.kind !== 'job') return undefined;
    const asked = steps.filter(
      ({ name, needsSuccess }) => live.run.command[name] !== undefined && (!needsSuccess || exitedWell(outcome)),
    );
    if (asked.length === 0) return undefined;
    const { run } = live;
    const signal = AbortSignal.any([live.stopSignal, closing]);
    const ended = { run, outcome, signal };
    let made: Aftermath = { notes: [], bundles: [] };
    for (const { name, take } of asked) {
      try {
        made = joined(made, await take(ended));
        closing.throwIfAborted();
      } catch (error) {
        closing.throwIfAborted();
        const reason = live.stoppedBy && signal.aborted ? stopped(live.stoppedBy) : messageOf(error);
        log.warn({ err: error, run_id: run.runId, step: name }, 'a step after a run failed; the result says so');
        made = joined(made, { notes: [`[kanade] ${name} failed: ${reason}`] });
      }
    }
    return made;
  };
}

const stopped = (by: Stopper): string => `stopped by ${by} after the script had ended`;

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function joined(one: Aftermath, more: Made): Aftermath {
  const bundles: readonly Bundle[] = [...one.bundles, ...(more.bundles ?? [])];
  return { ...one, ...more, notes: [...one.notes, ...(more.notes ?? [])], bundles };
}
