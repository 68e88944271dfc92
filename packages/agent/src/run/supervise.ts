/**
 * From an admitted run to its recorded ending. Whatever happens to this process in between, the next agent finds the
 * run in the ledger and goes on from there:
 *
 * | state       | what is true                                   | what the next agent does                            |
 * |-------------|------------------------------------------------|-----------------------------------------------------|
 * | `admitted`  | on disk, nothing was started                   | runs it, through all gates and a place              |
 * | `launching` | its job directory exists                       | the same if nobody started it, else adopts it       |
 * | `running`   | its processes were started                     | adopts it and reports its true ending               |
 * | `ended`     | the result is in the outbox, in the same commit | nothing                                             |
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { OutboxError } from '@kanade/outbox';
import type { Logger } from '../config/logger.ts';
import type { Gates } from '../intake/gates.ts';
import { limits } from '../limits.ts';
import { endBeforeLaunch, endOfFault, endOfRefusal, resultOf, withoutOutput } from '../report/run-end.ts';
import type { FleetView } from '../store/fleet-cache.ts';
import type { Ledger } from '../store/ledger.ts';
import type { Launcher } from './launch.ts';
import type { LiveRun, OpenRun, Run, RunEnd, Stopper } from './model.ts';
import type { Registry } from './registry.ts';
import type { Slots } from './slots.ts';

export interface SupervisorOptions {
  readonly registry: Registry;
  readonly ledger: Ledger;
  readonly launcher: Launcher;
  readonly slots: Slots;
  readonly gates: Gates;
  readonly view: Pick<FleetView, 'heard'>;
  readonly log: Logger;
  /** Fires when the agent ends: runs that wait stay admitted, jobs that run go on. */
  readonly signal: AbortSignal;
}

export interface Supervisor {
  /** Takes a run that was just admitted to its ending. Returns at once; what goes wrong is logged and tried again. */
  begin(open: OpenRun): void;
  /** Goes on with the runs that an earlier agent left open. */
  resume(open: readonly OpenRun[]): void;
  /** True while endings cannot be recorded: what is taken now could not be reported either. */
  isBehind(): boolean;
}

export function createSupervisor(options: SupervisorOptions): Supervisor {
  const { registry, signal, log } = options;
  const behind = { runs: 0 };

  function supervise(run: Run, work: Work, stoppedBy?: Stopper): void {
    toItsEnd(options, { live: registry.add(run, stoppedBy), work, behind }).catch((error: unknown) => {
      if (!signal.aborted)
        log.error({ err: error, run_id: run.runId }, 'a run was left open; the next start of the agent takes it up');
    });
  }

  return {
    begin(open) {
      if (open.state === 'admitted') supervise(open.run, execute);
      else this.resume([open]);
    },
    resume(runs) {
      for (const open of runs) {
        supervise(open.run, (...given) => takeUp(open, ...given), open.stoppedBy);
      }
    },
    isBehind: () => behind.runs > 0,
  };
}

/** What leads to an ending. What it holds (its place) is given back when the ending is on disk, not before. */
type Work = (options: SupervisorOptions, live: LiveRun, held: DisposableStack) => Promise<RunEnd>;

interface Supervised {
  readonly live: LiveRun;
  readonly work: Work;
  /** Runs whose ending could not be recorded so far. */
  readonly behind: { runs: number };
}

async function toItsEnd(options: SupervisorOptions, { live, work, behind }: Supervised): Promise<void> {
  const { registry, launcher, log, signal } = options;
  const { run } = live;
  using held = new DisposableStack();
  const end = await work(options, live, held).catch((error: unknown) => {
    signal.throwIfAborted();
    log.error({ err: error, run_id: run.runId }, 'a run could not be carried out');
    registry.stop({ runId: run.runId }, 'operator'); // nobody could watch over what may be running
    return endOfFault(error, live.running?.startedAtMs, Date.now());
  });
  if (!tryRecord(options, run, end)) {
    behind.runs++;
    await recordLater(options, run, end).finally(() => behind.runs--);
  }
  registry.ended(live, end);
  launcher.cleanUp(run);
  const { ending, exitCode: exit_code, skipped } = end;
  log.info({ run_id: run.runId, manifest_id: run.command.id, ending, exit_code, skipped }, 'run ended');
}

/** Ending and result are one commit. An outbox over its budget takes the result without what was printed. */
function tryRecord({ ledger, log }: SupervisorOptions, run: Run, end: RunEnd): boolean {
  for (const told of [end, withoutOutput(end)]) {
    try {
      ledger.ended(run, told, resultOf(run, told));
      return true;
    } catch (error) {
      log.error({ err: error, run_id: run.runId }, 'the ending of a run could not be recorded; trying again');
      if (!(error instanceof OutboxError && error.code === 'over_budget')) return false;
    }
  }
  return false;
}

/** A disk that is full now may not be so later. */
async function recordLater(options: SupervisorOptions, run: Run, end: RunEnd): Promise<void> {
  do {
    await sleep(limits.commitRetryMs, undefined, { signal: options.signal });
  } while (!tryRecord(options, run, end));
}

/** gates → jitter → place → gates → launch → ending. */
async function execute(options: SupervisorOptions, live: LiveRun, held: DisposableStack): Promise<RunEnd> {
  const { gates, slots, launcher, signal } = options;
  const { run } = live;
  const early = gates(run);
  if (early) return endOfRefusal(early, Date.now());
  const waiting = AbortSignal.any([live.stopSignal, signal]);
  try {
    await jitter(run, waiting);
    // Runs of the person at the machine do not wait behind those of operators.
    if (needsPlace(run)) held.use(await slots.take(waiting));
    const late = gates(run);
    if (late) return endOfRefusal(late, Date.now());
    if (live.stoppedBy) return endBeforeLaunch(run, live.stoppedBy, Date.now());
    return await launcher.launch(live);
  } catch (error) {
    signal.throwIfAborted();
    if (live.stoppedBy && !live.running) return endBeforeLaunch(run, live.stoppedBy, Date.now());
    throw error;
  }
}

/** A run of an earlier agent. Where nothing was started, what forbids it may have come since: the broker is heard first. */
async function takeUp(open: OpenRun, ...[options, live, held]: Parameters<Work>): Promise<RunEnd> {
  const { launcher, slots, view, signal } = options;
  const end = await launcher.adopt(live, open, () => {
    if (needsPlace(live.run)) held.use(slots.occupy());
  });
  if (end !== 'never_started') return end;
  const waiting = AbortSignal.any([live.stopSignal, signal]);
  const late = sleep(limits.brokerWaitMs, undefined, { signal: waiting, ref: false });
  await Promise.race([view.heard, late]).catch(() => undefined); // whoever aborts is met again below
  signal.throwIfAborted();
  return execute(options, live, held);
}

const needsPlace = ({ origin, command }: Run): boolean => origin === 'fleet' && command.bypass_local_limit !== true;

async function jitter({ command }: Run, signal: AbortSignal): Promise<void> {
  const jitterMs = (command.jitter_secs ?? 0) * 1000;
  if (jitterMs > 1000) await sleep(Math.random() * jitterMs, undefined, { signal });
}
