/**
 * What wakes those who wait for jobs of a program. However many wait for one job, its directory is held once and watched once; behind
 * all watches stands one slow round of looks. Nothing is held or watched while nobody waits.
 */
import { type FSWatcher, statSync } from 'node:fs';
import { holdJob, watchPath } from '../record/files.ts';
import { type JobDir, pathOf } from '../record/layout.ts';
import { createRounds, type Poll } from './rounds.ts';

/** What is watched of a job: its record, which tells of the end of our jobs, or all of its files. */
export type Watched = 'record' | 'directory';

/** Calls `onChange` when something was written, with the name of the file where that is known. Call the answer to end it. */
export type WatchJob = (what: Watched, onChange: (name: string | null) => void) => () => void;

/** A job that somebody waits for. */
export interface Post extends Disposable {
  /** The directory itself, whatever comes into its place. */
  readonly job: JobDir;
  readonly watch: WatchJob;
}

export interface Lookout {
  readonly poll: Poll;
  /** Throws `io_error` for what is no directory. */
  post(job: JobDir): Post;
}

/** When a fresh watch is doubted, in ms: on Bun one in six loses what happens right after it was set. */
const watchDoubtsMs = [2, 10, 50];

/** Bun leaves out what happens to a file within a ms of what it told of it: after the last it told there is one more look, so many ms later. */
const repeatMs = 3;

export function createLookout(): Lookout {
  const posts = new Map<string, HeldPost>();
  return {
    poll: createRounds().add,
    post(job) {
      let held = posts.get(job.path);
      if (!held?.isStill(job)) {
        held = holdPost(job);
        posts.set(job.path, held);
      }
      const mine = held;
      mine.users++;
      let isOver = false;
      return {
        job: mine.job,
        watch: mine.watch,
        [Symbol.dispose]() {
          if (isOver) return;
          isOver = true;
          mine.users--;
          if (mine.users > 0) return;
          mine.release();
          if (posts.get(job.path) === mine) posts.delete(job.path);
        },
      };
    },
  };
}

interface HeldPost {
  readonly job: JobDir;
  readonly watch: WatchJob;
  users: number;
  /** Whether a job is the one that is held: a new one may have its name. */
  isStill(job: JobDir): boolean;
  release(): void;
}

function holdPost(job: JobDir): HeldPost {
  const held = holdJob(job);
  const key = fileKey(held.job.path);
  const shared: Readonly<Record<Watched, SharedWatch>> = {
    record: createSharedWatch(pathOf(held.job, 'record')),
    directory: createSharedWatch(held.job.path),
  };
  return {
    job: held.job,
    watch: (what, onChange) => shared[what].join(onChange),
    users: 0,
    isStill: (other) => fileKey(other.path) === key,
    release: held.release,
  };
}

function fileKey(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  return `${stat?.dev} ${stat?.ino}`;
}

interface SharedWatch {
  join(onChange: (name: string | null) => void): () => void;
}

/** One watch for all that want it, as long as somebody does. */
function createSharedWatch(path: string): SharedWatch {
  const listeners = new Set<(name: string | null) => void>();
  let watcher: FSWatcher | undefined;
  let doubts: NodeJS.Timeout[] = [];
  let watched = '';
  const tell = (name: string | null): void => {
    for (const listener of listeners) listener(name);
  };
  let repeat: NodeJS.Timeout | undefined;
  const heard = (name: string | null): void => {
    if (process.versions.bun !== undefined) {
      clearTimeout(repeat);
      repeat = setTimeout(tell, repeatMs, null);
    }
    tell(name);
  };
  const close = (): void => {
    watcher?.close();
    watcher = undefined;
    for (const timer of [...doubts, repeat]) clearTimeout(timer);
  };
  return {
    join(onChange) {
      const listener = (name: string | null): void => onChange(name);
      listeners.add(listener);
      // A restart makes a new record: a watch of the former one would tell of nothing.
      const now = fileKey(path);
      if (!watcher || watched !== now) {
        close();
        watched = now;
        watcher = watchPath(path, heard);
        doubts = watchDoubtsMs.map((ms) => setTimeout(tell, ms, null));
      }
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0) close();
      };
    },
  };
}
