/** Waiting is watching: the file that changes wakes us; a slow poll stands behind it where watching does not work. */
import { closeSync, fstatSync, statSync } from 'node:fs';
import { isTerminal } from '@kanade/shared/job-words';
import { createAncestorClock } from '../foreign/ancestor.ts';
import { openForReading } from '../output/excerpt.ts';
import { isAlive } from '../process/identity.ts';
import { fileKeyOf, outputsOf } from '../process/tree.ts';
import { type HeldJob, holdJob, watchPath } from '../record/files.ts';
import { type JobDir, jobFiles, limits, pathOf } from '../record/layout.ts';
import { drainMsMax } from './decide-ending.ts';
import type { LaunchedJob } from './launch.ts';
import { createLookout, type WatchJob } from './lookout.ts';
import type { Poll } from './rounds.ts';
import { type JobView, type KnownOfLaunch, settle } from './settle.ts';

export interface WaitOptions {
  /** Give up after so many ms and return the job as it then stands. Default: never. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * Resolves when the job has ended (or nothing can be known about it any more), or when the time is over. Rejects with
 * the signal's reason on abort.
 */
export async function waitForEnd(job: JobDir, options: WaitOptions = {}, lookout = createLookout()): Promise<JobView> {
  using post = lookout.post(job);
  return { ...(await watchForEnd(post.job, { ...options, poll: lookout.poll, watch: post.watch })), job };
}

interface Watching extends WaitOptions {
  readonly poll: Poll;
  /** Wakes us when a file was written, and once in a while when it is fresh. */
  readonly watch: WatchJob;
  /** For whoever is its parent: the exit of the shim comes before any watch and is never lost. */
  readonly launched?: LaunchedJob | undefined;
}

/** The same for who waits for many, and takes their slow looks in turn. */
export async function watchForEnd(job: JobDir, watching: Watching): Promise<JobView> {
  const { timeoutMs, signal, poll, watch: watchJob, launched } = watching;
  signal?.throwIfAborted();
  const first: JobView = launched ? { job, status: 'running', state: launched.state } : settle(job);
  const settledIn = createEndClock(job);
  // A terminal job that is not complete is waited for past the deadline (contract, section 7.5).
  if ((timeoutMs === 0 && !isTerminal(first.status)) || settledIn(first) === 0) return first;
  return new Promise((resolve, reject) => {
    const close = (tell: () => void): void => {
      watch?.close();
      endPoll();
      clearTimeout(deadline);
      clearTimeout(again);
      isOver = true;
      signal?.removeEventListener('abort', onAbort);
      tell();
    };
    let again: NodeJS.Timeout | undefined;
    let isOver = false;
    let known = first;
    let ofLaunch: KnownOfLaunch = {};
    const look = (): void => {
      if (isOver) return;
      try {
        known = isHeld(job, known) ? known : settle(job, ofLaunch);
        const leftMs = settledIn(known);
        if (leftMs !== 0) {
          clearTimeout(again);
          if (leftMs !== undefined) again = setTimeout(look, leftMs);
          return;
        }
        close(() => resolve(known));
      } catch (error) {
        close(() => reject(error));
      }
    };
    const onAbort = (): void => close(() => reject(signal?.reason));
    let watch: EndWatch | undefined;
    const endPoll = poll(
      () => (watch?.hasStirred() ?? true) && look(),
      () => launched !== undefined && !watch,
    );
    const atExit = (): void => {
      ofLaunch = { meta: launched?.meta, exited: launched?.identity };
      look();
      if (!isOver && !isTerminal(known.status)) watch = watchEnd({ job, view: known, watchJob }, look); // somebody has started it again
    };
    const atDeadline = (): void => {
      look(); // it may have ended in this moment: then its output is waited for, too
      if (!isOver && !isTerminal(known.status)) close(() => resolve(known));
    };
    const deadline = timeoutMs === undefined ? undefined : setTimeout(atDeadline, timeoutMs);
    signal?.addEventListener('abort', onAbort, { once: true });
    if (launched) launched.ended.then(atExit, atExit);
    else watch = watchEnd({ job, view: first, watchJob }, look);
  });
}

interface EndWatch {
  /** Whether a look is worth its while. */
  hasStirred(): boolean;
  close(): void;
}

interface Watched {
  readonly job: JobDir;
  readonly view: JobView;
  readonly watchJob: WatchJob;
}

/**
 * Looks when something stirs, and once the watch is in place: it may have ended before. Our running jobs end with a write to the record
 * alone; all others with a new `state.json`.
 */
function watchEnd({ job, view, watchJob }: Watched, look: () => void): EndWatch {
  const hasStirred = createStirCheck(job, view);
  const isRecord = view.state?.identity !== undefined;
  const names: readonly string[] = [jobFiles.state, jobFiles.record];
  const close = watchJob(isRecord ? 'record' : 'directory', (name) => {
    if (name === null ? hasStirred() : isRecord || names.includes(name)) look();
  });
  setImmediate(look);
  return { hasStirred, close };
}

/** How often the processes are looked at that still hold the logs of an ended job, in ms. */
const drainLookMs = 10;

/**
 * Says of one look after the other in how many ms the next one is due: 0 = nothing more is to come, undefined = whenever
 * something stirs. An ending is complete when its output is.
 */
function createEndClock(job: JobDir): (view: JobView) => number | undefined {
  let ofAncestor: ReturnType<typeof createAncestorClock> | undefined;
  return (view) => {
    const isOver = isTerminal(view.status);
    if (isOver && view.state?.logs_drained !== false) return 0;
    if (view.state?.identity) return isOver ? drainLookMs : undefined;
    ofAncestor ??= createAncestorClock(job);
    return ofAncestor(view);
  };
}

/** True while a process that was seen with the logs of an ended job still has them, and their time is not over. */
function isHeld(job: JobDir, { state }: JobView): boolean {
  if (state?.logs_drained !== false || !state.left_running) return false;
  const endedAtMs = statSync(pathOf(job, 'record'), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const sinceMs = Date.now() - endedAtMs;
  if (sinceMs < -drainMsMax || sinceMs >= drainMsMax) return false;
  const logs = [fileKeyOf(pathOf(job, 'stdout')), fileKeyOf(pathOf(job, 'stderr'))];
  return state.left_running.some(
    (left) => isAlive(left) && outputsOf(left.pid).some((output) => logs.includes(output)),
  );
}

type Launching = Pick<LaunchedJob, 'job' | 'meta' | 'identity' | 'ended'>;

/** Resolves with the ending of a job whose root process has ended: when its output is complete, too. */
async function completed({ job, meta, identity }: Launching, watch: { readonly isOver: boolean }): Promise<JobView> {
  let view = settle(job, { meta, exited: identity });
  const dueMs = createEndClock(job);
  for (let leftMs = dueMs(view); leftMs && !watch.isOver; leftMs = dueMs(view)) {
    await new Promise((resolve) => setTimeout(resolve, leftMs));
    if (!isHeld(job, view)) view = settle(job, { meta, exited: identity });
  }
  return view;
}

/**
 * A cheap look at a running job, for polls over many: true when its record or state was written since, or when its process
 * is gone, so that a whole look is worth its while.
 */
function createStirCheck(job: JobDir, { state, status }: JobView): () => boolean {
  const identity = status === 'running' ? state?.identity : undefined;
  if (!identity) return () => true;
  const stampOf = (file: 'record' | 'state'): string => {
    const stat = statSync(pathOf(job, file), { throwIfNoEntry: false });
    return `${stat?.size} ${stat?.mtimeMs} ${stat?.ino}`;
  };
  const stamp = (): string => `${stampOf('record')} ${stampOf('state')}`;
  const before = stamp();
  return () => {
    try {
      return stamp() !== before || !isAlive(identity);
    } catch {
      return true; // the whole look meets the same and says so
    }
  };
}

/** Why {@link observeStart} returned, and how the job stands then. */
export interface Observation {
  readonly why: 'ended' | 'quiet' | 'deadline';
  readonly view: JobView;
}

export interface ObserveOptions {
  /** Give up after so many ms; default: never. */
  readonly timeoutMs?: number;
  /** Enough is seen when it has printed something and then nothing for so many ms; default: output does not matter. */
  readonly quietMs?: number;
  /** Gives up: it rejects with its reason, and nothing of it is left. The job lives on. */
  readonly signal?: AbortSignal | undefined;
}

/** How soon after the launch the output is watched, in ms: most commands end before, and watching costs start-up time. */
const watchAfterMs = 25;

/**
 * Watches a fresh job until it ends, until `timeoutMs` has passed, or, if it has printed something, until it has printed
 * nothing more for `quietMs`. A build that keeps printing is thus followed to its end; a server that has said where it
 * listens is answered for at once. Without `quietMs` output does not matter. What has ended is waited for until its output is complete.
 */
export async function observeStart(
  launched: Launching,
  { timeoutMs, quietMs, signal }: ObserveOptions,
): Promise<Observation> {
  const { job } = launched;
  if (timeoutMs === 0) return { why: 'deadline', view: settle(job) };
  const { ended } = launched;
  const watch = { isOver: false };
  const { promise, resolve, reject } = Promise.withResolvers<Observation>();
  const onAbort = (): void => reject(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  let closeWatch = (): void => undefined;
  let held: HeldJob | undefined;
  const here = (): JobDir => held?.job ?? job;
  /** What has ended meanwhile is answered for when its output is complete: `ended` leads there. */
  const enough = (why: 'quiet' | 'deadline'): void => {
    try {
      const view = settle(here());
      if (!isTerminal(view.status) || view.state?.logs_drained !== false) resolve({ why, view });
    } catch (error) {
      reject(error);
    }
  };
  const late = setTimeout(() => {
    try {
      held = holdJob(job);
      if (quietMs !== undefined) closeWatch = watchQuiet(held.job, quietMs, () => enough('quiet'));
    } catch (error) {
      reject(error);
    }
  }, watchAfterMs);
  const deadline = timeoutMs === undefined ? undefined : setTimeout(() => enough('deadline'), timeoutMs);
  ended
    .then(() => completed({ ...launched, job: here() }, watch))
    .then((view) => resolve({ why: 'ended', view }), reject);
  try {
    const { why, view } = await promise;
    return { why, view: { ...view, job } };
  } finally {
    watch.isOver = true;
    signal?.removeEventListener('abort', onAbort);
    clearTimeout(late);
    clearTimeout(deadline);
    closeWatch();
    held?.release();
  }
}

function watchQuiet(job: JobDir, quietMs: number, onQuiet: () => void): () => void {
  const fds = [openForReading(pathOf(job, 'stdout')), openForReading(pathOf(job, 'stderr'))];
  const printed = (): number => fds.reduce((sum, fd) => sum + fstatSync(fd).size, 0);
  let seen = -1;
  let timer: NodeJS.Timeout | undefined;
  const look = (): void => {
    const now = printed();
    if (now === seen || now === 0) return;
    seen = now;
    clearTimeout(timer);
    timer = setTimeout(onQuiet, quietMs);
  };
  const poll = setInterval(look, limits.safetyPollMs);
  const watcher = watchPath(job.path, look);
  look();
  return () => {
    watcher?.close();
    clearInterval(poll);
    clearTimeout(timer);
    for (const fd of fds) closeSync(fd);
  };
}
