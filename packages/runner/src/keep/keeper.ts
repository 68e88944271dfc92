/**
 * The keeper watches over running jobs: it enforces deadlines and settles what has ended. It owns no pipe and is
 * nobody's parent in earnest: when it dies the jobs run on, and the next keeper adopts what it finds.
 */
import { isTerminal } from '@kanade/shared/job';
import { isOfAncestor } from '../foreign/ancestor.ts';
import type { LaunchedJob } from '../life/launch.ts';
import { watchForEnd } from '../life/observe.ts';
import { enclosingOf, type JobView, settle } from '../life/settle.ts';
import type { StopOutcome } from '../life/stop.ts';
import { createEncloser } from '../process/control-group/enclose.ts';
import type { JobDir } from '../record/layout.ts';
import { type MetaFile, readMeta } from '../record/records.ts';
import { type Guard, type GuardedJob, guardDeadline, guardLogs, trimEnded } from './guards.ts';
import { createRounds } from './shared-poll.ts';
import { notifyCompletion } from './sinks.ts';
import { watchOutput } from './watch-output.ts';

/** What a keeper reports. `trouble` is something that it could not do; the job goes on. */
export type JobsEvent =
  | { readonly kind: 'ended'; readonly view: JobView }
  | { readonly kind: 'timed_out'; readonly job: JobDir; readonly outcome: StopOutcome }
  | {
      readonly kind: 'trouble';
      readonly job: JobDir;
      readonly during: 'watch' | 'timeout' | 'log-limit';
      readonly error: unknown;
    };

export interface KeeperOptions {
  readonly onEvent?: (event: JobsEvent) => void;
}

export interface Keeper extends AsyncDisposable {
  /**
   * Watches over a job that somebody else started, or this program: then `launched` tells of the end first. Adopting twice is
   * the same as once.
   */
  adopt(job: JobDir, launched?: LaunchedJob): Promise<JobView>;
  /** How many jobs are under watch. */
  readonly size: number;
}

/** Builds a keeper inside this process. Closing it stops watching and leaves every job running. */
export function createKeeper({ onEvent = () => undefined }: KeeperOptions = {}): Keeper {
  const watched = new Map<string, Promise<JobView>>();
  const closing = new AbortController();
  const rounds = createRounds();
  const encloser = createEncloser(enclosingOf, (job, error) =>
    onEvent({ kind: 'trouble', job, during: 'watch', error }),
  );

  const watchOver = async (job: JobDir, meta: MetaFile | undefined, exit?: Promise<void>): Promise<JobView> => {
    const onTrouble = (during: 'watch' | 'timeout' | 'log-limit', error: unknown): void =>
      onEvent({ kind: 'trouble', job, during, error });
    const guards = meta ? guardsOf({ job, meta, signal: closing.signal, onTrouble }) : [];
    const output = watchOutput(job, { poll: rounds.add, copies: meta !== undefined });
    const leave = meta ? encloser.add(job) : () => undefined;
    try {
      let view = await watchForEnd(job, { signal: closing.signal, poll: rounds.add, exit });
      await output.finish();
      if (isTerminal(view.status)) {
        for (const guard of guards) await guard.close();
        if (meta) view = await trimEnded(view, meta);
        await notifyCompletion(job, view);
        onEvent({ kind: 'ended', view });
      }
      return view;
    } catch (error) {
      if (!closing.signal.aborted) onTrouble('watch', error);
      throw error;
    } finally {
      output.close();
      leave();
      for (const guard of guards) await guard.close();
      watched.delete(job.id);
    }
  };

  const guardsOf = (guarded: Pick<GuardedJob, 'job' | 'meta' | 'signal' | 'onTrouble'>): Guard[] => {
    const { job, meta } = guarded;
    const more = {
      ...guarded,
      onTimedOut: (outcome: StopOutcome) => onEvent({ kind: 'timed_out', job, outcome }),
    };
    if (meta.timeout_ms === 0) return [guardLogs(more)];
    const startedAtMs = settle(job).state?.started_at_ms ?? Date.now();
    return [guardLogs(more), guardDeadline({ ...more, startedAtMs })];
  };

  const tend = (job: JobDir, meta: MetaFile | undefined, exit?: Promise<void>): Promise<JobView> => {
    const watching = watchOver(job, meta, exit);
    watching.catch(() => undefined); // reported as an event; adopters that await it see it too
    watched.set(job.id, watching);
    return watching;
  };

  return {
    get size() {
      return watched.size;
    },
    adopt: (job, launched) =>
      watched.get(job.id) ?? tend(job, isOfAncestor(settle(job)) ? undefined : readMeta(job), launched?.ended),
    async [Symbol.asyncDispose]() {
      closing.abort(new Error('the keeper is closing'));
      await Promise.allSettled(watched.values());
    },
  };
}
