/**
 * The keeper watches over running jobs: it enforces deadlines and settles what has ended. It owns no pipe and is
 * nobody's parent in earnest: when it dies the jobs run on, and the next keeper adopts what it finds.
 */
import { isTerminal } from '@kanade/shared/job-words';
import { isOfAncestor } from '../foreign/ancestor.ts';
import type { LaunchedJob } from '../life/launch.ts';
import { createLookout, type Lookout, type WatchJob } from '../life/lookout.ts';
import { watchForEnd } from '../life/observe.ts';
import type { Poll } from '../life/rounds.ts';
import { type JobView, leaveToKeeper, settle } from '../life/settle.ts';
import type { StopOutcome } from '../life/stop.ts';
import { createEncloser, type Encloser } from '../process/control-group/enclose.ts';
import { ageMsOf } from '../process/identity.ts';
import { watchPath } from '../record/files.ts';
import { hasLineLog, type JobDir, limits, readMeta } from '../record/layout.ts';
import type { Care } from './care.ts';
import { enclosingOf } from './enclosing.ts';
import { type Guard, type GuardedJob, guardDeadline, guardLogs, trimEnded } from './guards.ts';
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

/** What a keeper was doing when something went wrong. */
type During = 'watch' | 'timeout' | 'log-limit';

/** How long a job that is marked may take to begin, in ms: then its launcher was killed, or marks it again. */
const launchWaitMs = 10_000;

/** How long a job has been running, in ms: by its process where the system tells, which no clock that is set can change. */
function runningMsOf({ state }: JobView): number {
  const ageMs = state?.identity && ageMsOf(state.identity);
  return Math.max(0, ageMs ?? Date.now() - (state?.started_at_ms ?? Date.now()));
}

/** When a job ended, to the second. */
const endedAtMsOf = ({ state }: JobView): number => Date.parse(state?.finished_at ?? '') || Date.now();

/** How it stands when it has begun; `created` when nothing of it was ever started. */
async function onceBegun(
  job: JobDir,
  first: JobView,
  { poll, signal }: { poll: Poll; signal: AbortSignal },
): Promise<JobView> {
  if (first.status !== 'created') return first;
  const isCreated = (): boolean => settle(job).status === 'created';
  const { promise, resolve } = Promise.withResolvers<void>();
  const look = (): void => void (isCreated() || resolve());
  const watcher = watchPath(job.path, look);
  const endPoll = poll(look);
  const timer = setTimeout(resolve, launchWaitMs);
  signal.addEventListener('abort', () => resolve(), { once: true });
  look();
  await promise;
  watcher?.close();
  endPoll();
  clearTimeout(timer);
  signal.throwIfAborted();
  return settle(job);
}

function guardsOf(guarded: GuardedJob, view: JobView): Guard[] {
  if (guarded.meta.timeout_ms === 0) return [guardLogs(guarded)];
  return [guardLogs(guarded), guardDeadline({ ...guarded, ageMs: runningMsOf(view) })];
}

/** What the jobs of a keeper have in common. */
interface Keeping {
  readonly closing: AbortController;
  readonly lookout: Lookout;
  readonly encloser: Encloser<Tended>;
  readonly onEvent: (event: JobsEvent) => void;
}

/** A job under watch: its directory as it is held, and the job as everybody else knows it. */
interface Tended {
  readonly job: JobDir;
  readonly named: JobDir;
  readonly watch: WatchJob;
  /** A child of ours. */
  readonly launched: LaunchedJob | undefined;
  /** What still works in the held directory when the watch is over. */
  idle: Promise<unknown>;
}

async function watchOver({ closing, lookout, encloser, onEvent }: Keeping, tended: Tended): Promise<JobView> {
  const { job, named, watch, launched } = tended;
  const first: JobView = launched ? { job, status: 'running', state: launched.state } : settle(job);
  const meta = !first.state?.identity && isOfAncestor(first) ? undefined : (launched?.meta ?? readMeta(job));
  const begun = await onceBegun(job, first, { poll: lookout.poll, signal: closing.signal });
  if (begun.status === 'created') return { ...begun, job: named };
  const onTrouble = (during: During, error: unknown): void => onEvent({ kind: 'trouble', job: named, during, error });
  const onTimedOut = ({ view, ...more }: StopOutcome): void =>
    onEvent({ kind: 'timed_out', job: named, outcome: { view: { ...view, job: named }, ...more } });
  const guards = meta ? guardsOf({ job, meta, signal: closing.signal, onTrouble, onTimedOut }, begun) : [];
  const output = watchOutput(job, { poll: lookout.poll, copies: meta !== undefined && hasLineLog(meta), named });
  const leave = meta ? encloser.add(tended) : () => undefined;
  try {
    let view = await watchForEnd(job, { signal: closing.signal, poll: lookout.poll, watch, launched });
    // Settling has completed the combined log of most.
    await output.finish(isTerminal(view.status) && view.isLogBehind !== false ? endedAtMsOf(view) : undefined);
    if (!isTerminal(view.status)) return { ...view, job: named };
    for (const guard of guards) await guard.close();
    if (meta && meta.log_overflow !== 'stop') view = await trimEnded(view, meta.log_bytes_max ?? limits.logBytes);
    view = { ...view, job: named };
    // Read once more: it may have got its sinks while it ran.
    const now = readMeta(job);
    if (now?.notification) await notifyCompletion(job, now, view);
    onEvent({ kind: 'ended', view });
    return view;
  } finally {
    tended.idle = output.close();
    leave();
    for (const guard of guards) await guard.close();
  }
}

/** Builds a keeper inside this process. Closing it stops watching and leaves every job running. */
export function createKeeper({ onEvent = () => undefined }: KeeperOptions = {}): Keeper {
  const watched = new Map<string, Promise<JobView>>();
  const closing = new AbortController();
  const lookout = createLookout();
  const trouble = (job: JobDir, during: During, error: unknown): void =>
    onEvent({ kind: 'trouble', job, during, error });
  const encloser = createEncloser(
    ({ job }: Tended) => enclosingOf(job),
    ({ named }, error) => trouble(named, 'watch', error),
  );
  const tend = async (job: JobDir, launched?: LaunchedJob): Promise<JobView> => {
    try {
      const post = lookout.post(job);
      const leave = (): void => post[Symbol.dispose]();
      const tended: Tended = { job: post.job, named: job, watch: post.watch, launched, idle: Promise.resolve() };
      try {
        return await watchOver({ closing, lookout, encloser, onEvent }, tended);
      } finally {
        tended.idle.then(leave, leave);
      }
    } catch (error) {
      if (!closing.signal.aborted) trouble(job, 'watch', error);
      throw error;
    }
  };

  const adopt = (job: JobDir, launched?: LaunchedJob): Promise<JobView> => {
    const watching = tend(job, launched);
    watched.set(job.id, watching);
    const forget = (): unknown => watched.delete(job.id);
    watching.then(forget, forget); // what went wrong was reported as an event; adopters that await it see it too
    return watching;
  };

  return {
    get size() {
      return watched.size;
    },
    adopt: (job, launched) => watched.get(job.id) ?? adopt(job, launched),
    async [Symbol.asyncDispose]() {
      closing.abort(new Error('the keeper is closing'));
      await Promise.allSettled(watched.values());
    },
  };
}

/** The keeper in this program: it hears of the ends of its own children first. */
export function careHere(onEvent: ((event: JobsEvent) => void) | undefined): Care {
  const keeper = createKeeper(onEvent ? { onEvent } : {});
  return {
    keepsBefore: () => false,
    before: () => undefined,
    after(launched) {
      keeper.adopt(launched.job, launched).catch(() => undefined); // reported as an event
      return { ...launched, isRunning: true };
    },
    adopt: (job) => keeper.adopt(job),
    completed(view) {
      if (!view.isLogBehind) return view;
      leaveToKeeper(view.job);
      keeper.adopt(view.job).catch(() => undefined); // reported as an event
      return view;
    },
    changed: (job) => void keeper.adopt(job).catch(() => undefined), // reported as an event
    line: undefined,
    [Symbol.asyncDispose]: () => keeper[Symbol.asyncDispose](),
  };
}
