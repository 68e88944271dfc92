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
import type { JobDir } from '@kanade/runner';
import type { Logger } from '../config/logger.ts';
import type { Gates } from '../intake/gates.ts';
import { limits } from '../limits.ts';
import { endBeforeLaunch, endOfFault, endOfRefusal, resultOf, withoutOutput } from '../report/run-end.ts';
import type { FleetView } from '../store/fleet-cache.ts';
import type { Ledger } from '../store/ledger.ts';
import type { Launcher } from './launch.ts';
import type { LiveRun, OpenRun, Run, RunEnd } from './model.ts';
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
  /** Takes an admitted run to its ending. Returns at once; what goes wrong is logged and tried again. */
  start(run: Run): void;
  /** Goes on with the runs that an earlier agent left open. */
  resume(open: readonly OpenRun[]): void;
  /** True while endings cannot be recorded: what is taken now could not be reported either. */
  isBehind(): boolean;
}

export function createSupervisor(options: SupervisorOptions): Supervisor {
  const { registry, ledger, launcher, slots, gates, view, log, signal } = options;
  let unrecorded = 0;

  function supervise(run: Run, work: (live: LiveRun, held: DisposableStack) => Promise<RunEnd>): void {
    toItsEnd(registry.add(run), work).catch((error: unknown) => {
      if (!signal.aborted)
        log.error({ err: error, run_id: run.runId }, 'a run was left open; the next start of the agent takes it up');
    });
  }

  /** What a run holds (its place) is given back when its ending is on disk, not before: what waits there is bounded. */
  async function toItsEnd(live: LiveRun, work: Parameters<typeof supervise>[1]): Promise<void> {
    using held = new DisposableStack();
    const end = await work(live, held).catch((error: unknown) => {
      signal.throwIfAborted();
      log.error({ err: error, run_id: live.run.runId }, 'a run could not be carried out');
      registry.stop({ runId: live.run.runId }, 'operator');
      return endOfFault(error, live.running?.startedAtMs, Date.now());
    });
    await record(live.run, end);
    launcher.cleanUp(live.run);
    registry.ended(live, end);
    const { run } = live;
    const { ending, exitCode: exit_code, skipped } = end;
    log.info({ run_id: run.runId, manifest_id: run.command.id, ending, exit_code, skipped }, 'run ended');
  }

  /** Ending and result are one commit; a disk that is full now may not be so later. Over budget the output stays here. */
  async function record(run: Run, end: RunEnd): Promise<void> {
    let isBehind = false;
    try {
      for (let told = end; ; ) {
        signal.throwIfAborted();
        try {
          ledger.ended(told, resultOf(run, told));
          return;
        } catch (error) {
          const isOverBudget = error instanceof OutboxError && error.code === 'over_budget';
          log.error({ err: error, run_id: run.runId }, 'the ending of a run could not be recorded; trying again');
          if (isOverBudget && told === end) {
            told = withoutOutput(end);
            continue;
          }
          told = end;
        }
        if (!isBehind) unrecorded++;
        isBehind = true;
        await sleep(limits.commitRetryMs, undefined, { signal });
      }
    } finally {
      if (isBehind) unrecorded--;
    }
  }

  /** gates → jitter → place → gates → launch → ending. */
  async function execute(live: LiveRun, held: DisposableStack): Promise<RunEnd> {
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

  /** A run that was admitted by an earlier agent: what forbids it may have come since, so the broker is heard first. */
  async function executeLater(live: LiveRun, held: DisposableStack): Promise<RunEnd> {
    const waiting = AbortSignal.any([live.stopSignal, signal]);
    const late = sleep(limits.brokerWaitMs, undefined, { signal: waiting, ref: false });
    await Promise.race([view.heard, late]).catch(() => undefined); // whoever aborts is met again below
    signal.throwIfAborted();
    return execute(live, held);
  }

  async function takeUp(live: LiveRun, held: DisposableStack, job: JobDir): Promise<RunEnd> {
    const end = await launcher.adopt(live, job, () => {
      if (needsPlace(live.run)) held.use(slots.occupy());
    });
    return end === 'never_started' ? executeLater(live, held) : end;
  }

  return {
    start: (run) => supervise(run, execute),
    resume(open) {
      for (const { run, state, job } of open) {
        if (state === 'admitted' || !job) supervise(run, executeLater);
        else supervise(run, (live, held) => takeUp(live, held, job));
      }
    },
    isBehind: () => unrecorded > 0,
  };
}

const needsPlace = ({ origin, command }: Run): boolean => origin === 'fleet' && command.bypass_local_limit !== true;

async function jitter({ command }: Run, signal: AbortSignal): Promise<void> {
  const jitterMs = (command.jitter_secs ?? 0) * 1000;
  if (jitterMs > 1000) await sleep(Math.random() * jitterMs, undefined, { signal });
}
