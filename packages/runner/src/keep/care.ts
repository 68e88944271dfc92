/** Who sees to the jobs of a root: the keeper in this program (see `keeper.ts`), or one that is a process of its own. */
import type { JobDefinition } from '../life/definition.ts';
import type { LaunchedJob } from '../life/launch.ts';
import { waitForEnd } from '../life/observe.ts';
import { type JobView, leaveToKeeper } from '../life/settle.ts';
import { createEncloser, type Encloser } from '../process/control-group/enclose.ts';
import { isAlive, type ProcessIdentity } from '../process/identity.ts';
import { selfCommand } from '../process/spawn.ts';
import { type HeldJob, holdJob } from '../record/files.ts';
import { hasLineLog, type JobDir, type MetaFile } from '../record/layout.ts';
import { enclosingOf } from './enclosing.ts';
import { ensureKeeper, handOver, isMarked, keeperWord, mark, wakeKeeper } from './markers.ts';
import { createJobLog } from './watch-output.ts';

/** A job that was started here, or that the system could not start. */
export interface Launched {
  readonly job: JobDir;
  readonly meta: MetaFile;
  /** The process that leads it; undefined where the system does not tell, or when it could not be started. */
  readonly identity: ProcessIdentity | undefined;
  /** False when the system could not start it: its state says why. False, too, while it waits for its turn. */
  readonly isRunning: boolean;
  /** It stands in line; the keeper starts it. */
  readonly isWaiting?: true;
  /** Resolves when the ending is on disk; holds the event loop until `release`. */
  readonly ended: Promise<void>;
  /** Lets this program go before the job does; with `keeper: 'process'` the keeper sees to the job from here on. */
  release(): void;
}

/** Who sees to jobs: the keeper in this program, or one that is a process of its own. */
export interface Care extends AsyncDisposable {
  /** Such a job is marked before its processes exist. */
  keepsBefore(definition: JobDefinition): boolean;
  /** Before the processes of a job exist: what it was promised depends on this program no more. */
  before(job: JobDir, meta: MetaFile): void;
  /** Right after. */
  after(launched: LaunchedJob): Launched;
  adopt(job: JobDir): Promise<JobView>;
  /** A combined log that settling did not complete is completed by a keeper. */
  completed(view: JobView): JobView;
  /** Something to enforce has come to a running job. */
  changed(job: JobDir): void;
  /** Who sees to the line of the root; undefined where nobody does. */
  readonly line: LineCare | undefined;
}

/** A line needs a keeper that lives as long as somebody waits in it. Whoever looks at it sees to that: the last one may have been killed. */
export interface LineCare {
  /** Something has changed in it. */
  changed(job?: JobDir): void;
  /** Somebody has seen that a job waits. */
  seen(): void;
  /** The same while somebody waits for such a job, until the answer is called. */
  watched(): () => void;
}

/** A job that still runs after so long, in ms, gets a keeper for the limit of its logs. */
const keptAfterMs = 1_000;

/** The keeper as a process: markers in the root tell it what to see to. */
export function careByProcess(root: string, keeperWords: readonly string[] | undefined): Care {
  /** Asked for when a keeper is started: most calls start none. */
  const words = (): readonly string[] => keeperWords ?? [...selfCommand(), keeperWord, '--root', root];
  let encloser: Encloser<JobDir> | undefined;
  const enclose = (job: JobDir): (() => void) => {
    encloser ??= createEncloser(enclosingOf, () => undefined); // the keeper tries again
    return encloser.add(job);
  };
  const give = (job: JobDir): void => handOver(root, job, words());
  return {
    keepsBefore: ({ timeoutMs, notification }) => Boolean(timeoutMs || notification),
    before(job, meta) {
      if (meta.timeout_ms > 0 || meta.notification) give(job);
    },
    after(launched) {
      const { job, meta } = launched;
      const isKept = meta.timeout_ms > 0 || meta.notification !== undefined;
      const giveUp = watchUntilKept(launched, { isKept, enclose, give: () => unlessFull(() => give(job)) });
      if (isKept && !isMarked(root, job)) give(job);
      return {
        ...launched,
        isRunning: true,
        release() {
          if (giveUp()) give(job);
          launched.release();
        },
      };
    },
    async adopt(job) {
      give(job);
      return waitForEnd(job);
    },
    completed(view) {
      if (!view.isLogBehind) return view;
      unlessFull(() => {
        give(view.job);
        leaveToKeeper(view.job);
      });
      return view;
    },
    changed: give,
    line: createLineCare(root, words),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

/** How long a keeper may take to start, in ms: less than it stays when it has nothing to do. */
const keeperStartMs = 5_000;

/** How often it is looked whether the keeper lives that a job waits for, in ms. */
const keeperLookMs = 1_000;

function createLineCare(root: string, words: () => readonly string[]): LineCare {
  let started: ProcessIdentity | undefined;
  let startedAtMs = 0;
  const seen = (): void => {
    // One that was just started takes a moment until it says that it keeps the root: nobody else is needed while it lives.
    if (started && performance.now() - startedAtMs < keeperStartMs && isAlive(started)) return;
    started = ensureKeeper(root, words());
    startedAtMs = performance.now();
  };
  let watchers = 0;
  let timer: NodeJS.Timeout | undefined;
  return {
    seen,
    changed(job) {
      if (job) mark(root, job);
      wakeKeeper(root);
      seen();
    },
    watched() {
      seen();
      watchers++;
      timer ??= setInterval(seen, keeperLookMs).unref();
      return () => {
        if (--watchers > 0) return;
        clearInterval(timer);
        timer = undefined;
      };
    },
  };
}

interface UntilKept {
  /** It has its keeper already, which copies its lines. */
  readonly isKept: boolean;
  readonly enclose: (job: JobDir) => () => void;
  readonly give: () => void;
}

/**
 * Sees to a fresh job until a keeper does. Nothing is done for one that ends within {@link copyEveryMs}, as most do. Call the answer
 * to leave it to the keeper: true when it still runs.
 */
function watchUntilKept({ job, meta, ended }: LaunchedJob, { isKept, enclose, give }: UntilKept): () => boolean {
  let hasEnded = false;
  let copies = !isKept && hasLineLog(meta);
  let leave = (): void => undefined;
  let stopCopying = leave;
  const copyNoMore = (): void => {
    copies = false;
    stopCopying();
  };
  let held: HeldJob | undefined;
  const watch = (): void => {
    held = holdJob(job);
    leave = enclose(held.job);
    if (copies) stopCopying = copyWhileWeLook(held.job);
  };
  // Nobody waits for these timers: what is released before is handed over right then.
  const soon = setTimeout(() => unlessFull(watch), copyEveryMs).unref();
  const keep = setTimeout(() => {
    copyNoMore();
    give();
  }, keptAfterMs).unref();
  const end = (): void => {
    hasEnded = true;
    leave();
    copyNoMore();
    clearTimeout(soon);
    clearTimeout(keep);
    held?.release();
  };
  ended.then(end, end);
  return () => {
    copyNoMore();
    return !hasEnded;
  };
}

/** How often the combined log of a job without a keeper is brought up to date, in ms; most jobs end before the first time. */
const copyEveryMs = 20;

/** Bytes of each stream that are copied at a time. */
const copiedBytesMax = 256 * 1024;

/** Copies the lines of a fresh job as they come, until its keeper does. Call the answer to end it. */
function copyWhileWeLook(job: JobDir): () => void {
  const log = createJobLog(job);
  const look = (): void => unlessFull(() => log.look({ atMs: Date.now(), last: false, bytesMax: copiedBytesMax }));
  look();
  const timer = setInterval(look, copyEveryMs).unref();
  return () => clearInterval(timer);
}

/** What may wait until the release, which says what is wrong. */
function unlessFull(work: () => void): void {
  try {
    work();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
  }
}
