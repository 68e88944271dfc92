/**
 * The host watches over running jobs: it enforces deadlines and settles what has ended. It owns no pipe and is
 * nobody's parent in earnest: when it dies the jobs run on, and the next host adopts what it finds.
 */
import { isTerminal } from '@kanade/shared/job';
import type { JobDefinition } from '../job/definition.ts';
import { createEncloser } from '../job/encloser.ts';
import { type LaunchedJob, launchJob } from '../job/launch.ts';
import type { JobDir } from '../job/layout.ts';
import { notifyCompletion } from '../job/notify.ts';
import { watchForEnd } from '../job/observe.ts';
import { type MetaFile, readMeta } from '../job/record.ts';
import { type JobView, settle } from '../job/settle.ts';
import { type StopOptions, type StopOutcome, stopJob } from '../job/stop.ts';
import { type Guard, type GuardedJob, guardDeadline, guardLogs, trimEnded } from './guards.ts';
import { createRounds } from './rounds.ts';
import { watchOutput } from './watch-output.ts';

/** What the host reports. `trouble` is something that it could not do; the job goes on. */
export type JobsEvent =
  | { readonly kind: 'ended'; readonly view: JobView }
  | { readonly kind: 'timed_out'; readonly job: JobDir; readonly outcome: StopOutcome }
  | {
      readonly kind: 'trouble';
      readonly job: JobDir;
      readonly during: 'watch' | 'timeout' | 'log-limit';
      readonly error: unknown;
    };

export interface HostOptions {
  readonly root: string;
  readonly onEvent?: (event: JobsEvent) => void;
}

export interface Host extends AsyncDisposable {
  /** Makes, starts and watches over a job. Throws as `launchJob` does. */
  launch(definition: JobDefinition, env: Readonly<Record<string, string | undefined>>): LaunchedJob;
  /**
   * Watches over a job that somebody else started, or this program: then `launched` tells of the end first. Adopting twice is
   * the same as once.
   */
  adopt(job: JobDir, launched?: LaunchedJob): Promise<JobView>;
  /** Stops a job's tree; see `stopJob`. */
  stop(job: JobDir, options: StopOptions): Promise<StopOutcome>;
  /** How many jobs are under watch. */
  readonly size: number;
}

/** Such a job has a supervisor of its own, which enforces its deadline; its logs are not ours to touch. */
const isOfAncestor = ({ status, state }: JobView): boolean => status === 'running' && state?.identity === undefined;

/** Builds a keeper for one root inside this process. Closing it stops watching and leaves every job running. */
export function createHost({ root, onEvent = () => undefined }: HostOptions): Host {
  const watched = new Map<string, Promise<JobView>>();
  const closing = new AbortController();
  const rounds = createRounds();
  const encloser = createEncloser((job, error) => onEvent({ kind: 'trouble', job, during: 'watch', error }));

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
    launch(definition, env) {
      const launched = launchJob(root, definition, env);
      tend(launched.job, launched.meta, launched.ended);
      return launched;
    },
    stop: stopJob,
    async [Symbol.asyncDispose]() {
      closing.abort(new Error('the host is closing'));
      await Promise.allSettled(watched.values());
    },
  };
}

export { createHost as createKeeper };
