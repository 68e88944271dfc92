/**
 * The runs of this agent: from an admitted run to its recorded ending, and the one way to stop one. Whatever happens to this
 * process in between, the next agent finds the run in the ledger and goes on from there:
 *
 * | state       | what is true                                   | what the next agent does                            |
 * |-------------|------------------------------------------------|-----------------------------------------------------|
 * | `admitted`  | on disk, nothing was started                   | runs it, through all gates and a place              |
 * | `launching` | its job directory exists                       | the same if nobody started it, else adopts it       |
 * | `running`   | its processes were started                     | adopts it and reports its true ending               |
 * | `ended`     | the result is in the outbox, in the same commit | nothing                                             |
 *
 * A run that failed and is to be tried again stays `running` through its attempts (`retry.ts`). What comes behind a run that succeeded
 * (`finalize.ts`) is admitted in the commit of its end, and runs in its place.
 */
import type { JobDir } from '@kanade/runner';
import type { Logger } from '../config/logger.ts';
import { finalizersOf } from './finalize.ts';
import type { Launcher } from './launch.ts';
import type { Aftermath, LiveRun, OpenRun, Outcome, Refusal, Run, RunEnd, Running, Stopper } from './model.ts';
import { type RetryTurns, retry } from './retry.ts';

export interface SupervisorOptions {
  readonly registry: Registry;
  readonly launcher: Launcher;
  /** Gates and places. */
  readonly turns: RetryTurns & {
    wait(
      run: Run,
      given: { signal: AbortSignal; isKnown: boolean; subject: string | undefined },
    ): Promise<Disposable | Refusal>;
    occupy(run: Run): Disposable;
  };
  /** What is made of a run once it has ended, in its place; rejects only when the agent ends, and the next one does it again. */
  readonly after: (live: LiveRun, outcome: Outcome) => Promise<Aftermath | undefined>;
  /** What `next` names begins in the same commit. */
  readonly report: {
    end(run: Run, outcome: Outcome, made: { aftermath: Aftermath | undefined; next: readonly Run[] }): Promise<RunEnd>;
  };
  readonly log: Logger;
  /** Fires when the agent ends: runs that wait stay admitted, jobs that run go on. */
  readonly signal: AbortSignal;
}

export interface Supervisor {
  /** Takes a run that was just admitted to its ending. Returns at once; what goes wrong is logged and tried again. */
  begin(open: OpenRun): void;
  /** Goes on with the runs that an earlier agent left open. */
  resume(open: readonly OpenRun[]): void;
}

export function createSupervisor(options: SupervisorOptions): Supervisor {
  return {
    // What the ledger gives back as more than admitted may have been started before.
    begin: (open) => void oneAfterTheOther(options, [{ open, isKnown: open.state !== 'admitted' }]),
    resume(runs) {
      // What is behind one run goes in order, as it would have if we had lived.
      const chains = Map.groupBy(runs, ({ run }) => run.parentId ?? run.runId);
      for (const chain of chains.values()) {
        void oneAfterTheOther(
          options,
          chain.map((open) => ({ open, isKnown: true })),
        );
      }
    },
  };
}

/** How a run stood in the ledger; `isKnown`: it may have been started before. */
interface Found {
  readonly open: OpenRun;
  readonly isKnown: boolean;
}

/** All of them can be stopped from now on. Never rejects: what goes wrong with one is logged. */
async function oneAfterTheOther(options: SupervisorOptions, found: readonly Found[]): Promise<void> {
  const { registry, log, signal } = options;
  const lives = found.map(({ open }) => registry.add(open.run, open.stoppedBy, open.startedAtMs));
  for (const [index, live] of lives.entries()) {
    await toItsEnd(options, live, found[index] as Found).catch((error: unknown) => {
      const { runId } = live.run;
      if (!signal.aborted)
        log.error({ err: error, run_id: runId }, 'a run was left open; the next start of the agent takes it up');
    });
  }
}

async function toItsEnd(options: SupervisorOptions, live: LiveRun, found: Found): Promise<void> {
  const { registry, launcher, after, report, log, signal } = options;
  const { run } = live;
  // Its place is given back when the ending is on disk, not before.
  using held = new DisposableStack();
  const outcome = await carryOut(options, { ...found, live, held }).catch((error: unknown): Outcome => {
    signal.throwIfAborted();
    log.error({ err: error, run_id: run.runId }, 'a run could not be carried out');
    registry.stop({ runId: run.runId }, 'operator'); // nobody could watch over what may be running
    return { kind: 'fault', error, startedAtMs: live.startedAtMs };
  });
  const aftermath = await after(live, outcome);
  // Who asked for it to stop asked for all of it.
  const next = run.command.finalize && !live.stoppedBy ? finalizersOf(run, outcome, aftermath) : [];
  const end = await report.end(run, outcome, { aftermath, next });
  const finalizing =
    next.length === 0
      ? undefined
      : oneAfterTheOther(
          options,
          next.map((later) => newRun(later, live)),
        );
  registry.ended(live, end);
  launcher.cleanUp(run);
  await finalizing;
}

/** A run that was admitted with the end of another just now. */
const newRun = (run: Run, { stoppedBy }: LiveRun): Found => ({
  open: { run, state: 'admitted', jobId: undefined, boot: undefined, stoppedBy, received: undefined },
  isKnown: false,
});

interface Carried extends Found {
  readonly live: LiveRun;
  /** What is given back at the end. */
  readonly held: DisposableStack;
}

/** gates → jitter → place → gates → launch → ending, and from the gates again for a retry. */
async function carryOut(options: SupervisorOptions, { live, open, isKnown, held }: Carried): Promise<Outcome> {
  const { turns, launcher, signal } = options;
  const { run } = live;
  const given = { signal: AbortSignal.any([live.stopSignal, signal]), isKnown, subject: open.received?.subject };
  const toTheLast = (outcome: Outcome): Outcome | Promise<Outcome> =>
    run.command.retry ? retry({ launcher, turns }, live, { outcome, given }) : outcome;
  if (isKnown) {
    const outcome = await launcher.adopt(live, open, () => held.use(turns.occupy(run)));
    if (outcome !== 'never_started') return toTheLast(outcome);
  }
  try {
    // What ends another run has passed its gates, and runs in the place of that; one beyond the number if that is gone.
    const behind = isKnown ? turns.occupy : inPlace;
    const turn = run.parentId === undefined ? await turns.wait(run, given) : behind(run);
    if ('gate' in turn) return { kind: 'refused', refusal: turn };
    held.use(turn);
    if (live.stoppedBy) return { kind: 'stopped', by: live.stoppedBy };
    return await toTheLast(await launcher.launch(live));
  } catch (error) {
    signal.throwIfAborted();
    if (live.stoppedBy && !live.running) return { kind: 'stopped', by: live.stoppedBy };
    throw error;
  }
}

const inPlace = (_: Run): Disposable => ({ [Symbol.dispose]: () => undefined });

export type RegistryEvent =
  | { readonly kind: 'added'; readonly live: LiveRun }
  | { readonly kind: 'started'; readonly live: LiveRun }
  | { readonly kind: 'ended'; readonly live: LiveRun; readonly end: RunEnd };

/** The live runs of this agent, and the one way to stop them: orders from the broker and from the machine end here. */
export interface Registry {
  /** `stoppedBy`: it was asked to stop in an earlier life of this agent; `startedAtMs`: it was started in one, and that is told. */
  add(run: Run, stoppedBy?: Stopper, startedAtMs?: number): LiveRun;
  started(live: LiveRun, running: Running): void;
  ended(live: LiveRun, end: RunEnd): void;
  get(runId: string): LiveRun | undefined;
  all(): LiveRun[];
  /** Asks every run to stop that one of the ids names; needs no broker. Returns how many there were: none is no error. */
  stop(match: { readonly runId?: string; readonly execId?: string }, by: Stopper): number;
  /** Calls back on every change until the returned function is called. */
  watch(listener: (event: RegistryEvent) => void): () => void;
}

interface Entry {
  live: { -readonly [K in keyof LiveRun]: LiveRun[K] };
  stopping: AbortController;
}

export interface RegistryPorts {
  /** Writes down that a run is to stop, so that no crash forgets it; reports its own failures. */
  readonly noteStop: (runId: string, by: Stopper) => void;
  /** Ends the processes of a running job; reports its own failures. */
  readonly stopJob: (job: JobDir, by: Stopper) => void;
}

export function createRegistry({ noteStop, stopJob }: RegistryPorts): Registry {
  const entries = new Map<string, Entry>();
  const listeners = new Set<(event: RegistryEvent) => void>();
  const emit = (event: RegistryEvent): void => {
    for (const listener of [...listeners]) listener(event);
  };

  function stopOne({ live, stopping }: Entry, by: Stopper): void {
    if (!live.stoppedBy) noteStop(live.run.runId, by);
    live.stoppedBy ??= by;
    stopping.abort(new Error(`stopped by ${live.stoppedBy}`));
    if (live.running) stopJob(live.running.job, by);
  }

  return {
    add(run, stoppedBy, startedAtMs) {
      const stopping = new AbortController();
      if (stoppedBy) stopping.abort(new Error(`stopped by ${stoppedBy}`));
      const live = { run, running: undefined, startedAtMs, stoppedBy, stopSignal: stopping.signal };
      entries.set(run.runId, { live, stopping });
      emit({ kind: 'added', live });
      return live;
    },
    started(live, running) {
      const entry = entries.get(live.run.runId);
      if (!entry) return;
      entry.live.running = running;
      entry.live.startedAtMs ??= running.startedAtMs;
      emit({ kind: 'started', live });
      // Asked for while there was nothing to stop yet.
      if (live.stoppedBy) stopJob(running.job, live.stoppedBy);
    },
    ended(live, end) {
      if (entries.delete(live.run.runId)) emit({ kind: 'ended', live, end });
    },
    get: (runId) => entries.get(runId)?.live,
    all: () => [...entries.values()].map(({ live }) => live),
    stop(match, by) {
      const isNamed = ({ runId, execId }: Run): boolean =>
        runId === match.runId || (execId !== null && execId === match.execId);
      const hit = [...entries.values()].filter(({ live }) => isNamed(live.run));
      for (const entry of hit) stopOne(entry, by);
      return hit.length;
    },
    watch(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
