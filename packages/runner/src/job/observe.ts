/** Waiting is watching: the file that changes wakes us; a slow poll stands behind it where watching does not work. */
import { closeSync, type FSWatcher, fstatSync, openSync, watch } from 'node:fs';
import { isTerminal } from '@kanade/shared/job';
import type { LaunchedJob } from './launch.ts';
import { type JobDir, jobFiles, limits, pathOf } from './layout.ts';
import { type JobView, settle } from './settle.ts';

export interface WaitOptions {
  /** Give up after so many ms and return the job as it then stands. Default: never. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * Resolves when the job has ended (or nothing can be known about it any more), or when the time is over. Rejects with
 * the signal's reason on abort.
 */
export async function waitForEnd(job: JobDir, { timeoutMs, signal }: WaitOptions = {}): Promise<JobView> {
  signal?.throwIfAborted();
  const first = settle(job);
  if (!isPending(first) || timeoutMs === 0) return first;
  return new Promise((resolve, reject) => {
    let watcher: FSWatcher | undefined;
    const close = (): void => {
      watcher?.close();
      clearInterval(poll);
      clearTimeout(deadline);
      signal?.removeEventListener('abort', onAbort);
    };
    const look = (): void => {
      try {
        const view = settle(job);
        if (isPending(view)) return;
        close();
        resolve(view);
      } catch (error) {
        close();
        reject(error);
      }
    };
    const onAbort = (): void => {
      close();
      reject(signal?.reason);
    };
    const poll = setInterval(look, limits.safetyPollMs);
    const deadline =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            close();
            resolve(settle(job));
          }, timeoutMs);
    signal?.addEventListener('abort', onAbort, { once: true });
    watcher = watchJob(job, first, look);
    look(); // it may have ended before the watch was in place
  });
}

const isPending = (view: JobView): boolean => !isTerminal(view.status) && view.status !== 'unknown';

/** Our running jobs end with a write to the record alone; all others with a new `state.json`. */
function watchJob(job: JobDir, view: JobView, look: () => void): FSWatcher | undefined {
  try {
    if (view.state?.identity) return watch(pathOf(job, 'record'), look).on('error', look);
    const names: readonly string[] = [jobFiles.state, jobFiles.record];
    return watch(job.path, (_event, name) => {
      if (name === null || names.includes(name)) look();
    }).on('error', look);
  } catch {
    return undefined; // no watches left or none on this file system: the poll alone decides
  }
}

/** Why {@link observeStart} returned. */
export type Observation = 'ended' | 'quiet' | 'deadline';

/** How soon after the launch the output is watched, in ms: most commands end before, and watching costs start-up time. */
const watchAfterMs = 25;

/**
 * Watches a fresh job until it ends, until `timeoutMs` has passed, or, if it has printed something, until it has printed
 * nothing more for `quietMs`. A build that keeps printing is thus followed to its end; a server that has said where it
 * listens is answered for at once. Without `quietMs` output does not matter.
 */
export async function observeStart(
  launched: LaunchedJob,
  { timeoutMs, quietMs }: { timeoutMs?: number; quietMs?: number },
): Promise<Observation> {
  if (timeoutMs === 0) return 'deadline';
  const { promise, resolve, reject } = Promise.withResolvers<Observation>();
  let closeWatch = (): void => undefined;
  const late = setTimeout(() => {
    if (quietMs !== undefined) closeWatch = watchQuiet(launched.job, quietMs, () => resolve('quiet'));
  }, watchAfterMs);
  const deadline = timeoutMs === undefined ? undefined : setTimeout(() => resolve('deadline'), timeoutMs);
  launched.ended.then(() => resolve('ended'), reject);
  try {
    return await promise;
  } finally {
    clearTimeout(late);
    clearTimeout(deadline);
    closeWatch();
  }
}

function watchQuiet(job: JobDir, quietMs: number, onQuiet: () => void): () => void {
  const fds = [openSync(pathOf(job, 'stdout'), 'r'), openSync(pathOf(job, 'stderr'), 'r')];
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
  let watcher: FSWatcher | undefined;
  try {
    watcher = watch(job.path, look).on('error', look);
  } catch {
    watcher = undefined; // the poll alone decides
  }
  look();
  return () => {
    watcher?.close();
    clearInterval(poll);
    clearTimeout(timer);
    for (const fd of fds) closeSync(fd);
  };
}
