/** The keeper as a process: one per root, started on demand, gone when idle. */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { takeLock } from '@kanade/durable/lock';
import { sweepControlGroups } from '../process/control-group/control-group.ts';
import { identify } from '../process/identity.ts';
import { replaceFile, watchPath } from '../record/files.ts';
import { limits } from '../record/layout.ts';
import { makeKeeperDir } from '../record/root.ts';
import { createKeeper, type JobsEvent } from './keeper.ts';
import { holdKeeperDir, keeperPaths, liveKeeper, markersDirName } from './markers.ts';

export interface RunKeeperOptions {
  readonly root: string;
  /** Leave after so many ms without a job; default 10,000. */
  readonly idleMs?: number;
  readonly signal: AbortSignal;
  readonly onEvent?: (event: JobsEvent) => void;
}

/** How long a starting keeper waits for one that is just leaving, in ms. */
const handOverMs = 2_000;

/**
 * Serves a root until it is idle or the signal fires. Returns `busy` at once when another keeper serves it. Jobs are
 * never stopped by its end.
 */
export async function runKeeper({
  root,
  idleMs = 10_000,
  signal,
  onEvent,
}: RunKeeperOptions): Promise<'idle' | 'stopped' | 'busy'> {
  // Loaded on demand: every local command has this file in its start, and few become a keeper.
  const lock = becomeKeeper(root, (await import('@kanade/durable/lock')).takeLock);
  if (typeof lock === 'string') return lock;
  try {
    using dir = holdKeeperDir(root);
    const own = identify(process.pid);
    replaceFile(dir.identity, `${JSON.stringify(own)}\n`);
    await using keeper = createKeeper(onEvent ? { onEvent } : {});
    const tended = new Set<string>();
    const adoptMarked = (): void => {
      for (const id of dir.marked()) {
        if (tended.has(id)) continue;
        tended.add(id);
        keeper
          .adopt({ id, path: join(root, id) })
          .then(
            () => dir.unmark(id),
            () => undefined, // still marked: the next look or the next keeper tries again; reported as an event
          )
          .finally(() => tended.delete(id));
      }
    };
    for (;;) {
      await idleFor({
        idleMs,
        signal,
        watched: keeperPaths(root).jobs,
        look: adoptMarked,
        isBusy: () => keeper.size > 0,
      });
      rmSync(dir.identity, { force: true });
      // A caller that saw our identity before it went had written its marker before that: look once more.
      if (signal.aborted || dir.marked().length === 0) return signal.aborted ? 'stopped' : 'idle';
      replaceFile(dir.identity, `${JSON.stringify(own)}\n`);
    }
  } finally {
    sweepControlGroups();
    lock.release();
  }
}

/**
 * Takes the place of the keeper; begins again when its directory goes while that is done: the keeper before us is leaving, or
 * somebody has deleted the root.
 */
function becomeKeeper(root: string, take: typeof takeLock): { release(): void } | 'busy' | 'idle' {
  const paths = keeperPaths(root);
  for (;;) {
    if (!existsSync(root)) return 'idle'; // deleted meanwhile: not to be made again
    makeKeeperDir(root, markersDirName);
    if (liveKeeper(root)) return 'busy';
    const lock = take(paths.lock, { waitMs: handOverMs });
    if (lock.kind === 'busy') return 'busy';
    if (lock.kind === 'held') return lock;
  }
}

interface IdleOptions {
  readonly idleMs: number;
  readonly signal: AbortSignal;
  readonly watched: string;
  readonly look: () => void;
  readonly isBusy: () => boolean;
}

/** Looks at every change of a directory; resolves when nothing was busy for `idleMs`, or on abort. */
function idleFor({ idleMs, signal, watched, look, isBusy }: IdleOptions): Promise<void> {
  return new Promise((resolve) => {
    let idleSinceMs = performance.now();
    const watcher = watchPath(watched, look);
    const poll = setInterval(
      () => {
        look();
        if (isBusy()) idleSinceMs = performance.now();
        else if (performance.now() - idleSinceMs >= idleMs) done();
      },
      Math.min(limits.safetyPollMs, idleMs),
    );
    const done = (): void => {
      watcher?.close();
      clearInterval(poll);
      signal.removeEventListener('abort', done);
      resolve();
    };
    signal.aborted ? done() : signal.addEventListener('abort', done, { once: true });
    look();
  });
}
