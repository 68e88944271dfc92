/** The keeper as a process: one per root, started on demand, gone when idle. */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFile } from '@kanade/durable/files';
import type { takeLock } from '@kanade/durable/lock';
import { sweepControlGroups } from '../process/control-group/control-group.ts';
import { identify } from '../process/identity.ts';
import { watchPath } from '../record/files.ts';
import { type JobDir, limits } from '../record/layout.ts';
import { makeKeeperDir } from '../record/root.ts';
import { ticketsDirName } from '../record/tickets.ts';
import { createKeeper, type JobsEvent, type Keeper } from './keeper.ts';
import { holdKeeperDir, type KeeperDir, keeperPaths, liveKeeper, markersDirName, wakePrefix } from './markers.ts';
import { createLine, type JobLine } from './queue/line.ts';

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
    const look = createLooks({ root, dir, keeper, signal, onEvent });
    for (;;) {
      await idleFor({
        idleMs,
        signal,
        watched: keeperPaths(root).jobs,
        look,
        isBusy: () => keeper.size > 0 || look.line.isBusy,
      });
      rmSync(dir.identity, { force: true });
      // A caller that saw our identity before it went had written its marker before that: look once more.
      look(wakePrefix);
      if (signal.aborted || !(look.line.isBusy || dir.marked().length > 0)) return signal.aborted ? 'stopped' : 'idle';
      replaceFile(dir.identity, `${JSON.stringify(own)}\n`);
    }
  } finally {
    sweepControlGroups();
    lock.release();
  }
}

interface Looking {
  readonly root: string;
  readonly dir: KeeperDir;
  readonly keeper: Keeper;
  readonly signal: AbortSignal;
  readonly onEvent: ((event: JobsEvent) => void) | undefined;
}

/** A look at what has come to the keeper: `changed` is the name of what has changed, null for something, undefined for a look in passing. */
interface Look {
  (changed?: string | null): void;
  readonly line: JobLine;
}

/** Every so many looks in passing all of the line is looked at. */
const looksPerRecheck = 10;

function createLooks({ root, dir, keeper, signal, onEvent }: Looking): Look {
  const onTrouble = (job: JobDir, error: unknown): void => onEvent?.({ kind: 'trouble', job, during: 'watch', error });
  const line = createLine({ root, dir, keeper, signal, onTrouble });
  const tended = new Set<string>();
  let passed = 0;
  const look = (changed?: string | null): void => {
    // Before the tickets: who is put into line gets the ticket first.
    const marked = dir.marked();
    const isPassed = changed === undefined && ++passed % looksPerRecheck === 0;
    const isWoken = isPassed || changed === null || changed?.startsWith(wakePrefix);
    line.look(isWoken ? 'all' : 'restless');
    for (const id of marked) {
      if (tended.has(id) || line.has(id)) continue;
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
  return Object.assign(look, { line });
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
    makeKeeperDir(root, ticketsDirName);
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
  readonly look: (changed?: string | null) => void;
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
