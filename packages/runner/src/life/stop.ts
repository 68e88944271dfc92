import { isTerminal, type StopBy } from '@kanade/shared/job-words';
import { stopUnidentified } from '../foreign/ancestor.ts';
import { JobError } from '../job-error.ts';
import { dropControlGroupIn } from '../process/control-group/control-group.ts';
import { isAlive, type ProcessIdentity } from '../process/identity.ts';
import { parseSignal, type SignalName } from '../process/send-signal.ts';
import { defaultGraceMs, planStop, type StopPlan } from '../process/stop-plan.ts';
import { type StopReport, stopTree } from '../process/stop-tree.ts';
import { membersOf } from '../process/tree.ts';
import { pretty, replaceFileIfRoom } from '../record/files.ts';
import { type JobDir, pathOf, readStop, type StopFile } from '../record/layout.ts';

import { waitForEnd } from './observe.ts';
import { isInLine } from './places.ts';
import { type JobView, readRecord, settle, treeOf } from './settle.ts';
import { endUnstarted } from './turn.ts';

export interface StopOptions {
  readonly by: StopBy;
  /** First signal, as `parseSignal` gives it or by any name that it takes; default TERM. */
  readonly signal?: SignalName | string;
  /** Time between the first signal and KILL, in ms; default 5,000. */
  readonly graceMs?: number;
  /** Send exactly this one signal and let the workload do with it what it likes. */
  readonly only?: boolean;
  /** The limit in bytes that the logs have exceeded, when that is the reason; it stands in the state afterwards. */
  readonly logLimit?: number;
  readonly abort?: AbortSignal;
}

/** What became of a stop. `report` is absent when there was nothing to stop any more. */
export interface StopOutcome {
  readonly view: JobView;
  readonly report?: StopReport;
}

/** Longest wait for the record after the tree is gone, in ms: the shim writes it right away. */
const recordWaitMs = 1_000;

/** Longest wait for a fresh shim to be able to survive a signal, which is ms but where it gets no processor, and between two looks at it, in ms. */
const [shimStartMs, shimLookMs] = [5_000, 2];

/**
 * Stops a job's whole tree. Who asked stands on disk before the first signal, so the ending names the reason even when
 * we are killed in between. A job that waits for its turn ends `not_started`. Throws `invalid_state` for another that has not started or that the ancestor's supervisor
 * lost sight of. An ended job is left alone, but for a lost one, whose processes may still be there. A running job of the ancestor is stopped for a `user` only, and its record is left to its supervisor.
 */
export async function stopJob(job: JobDir, options: StopOptions): Promise<StopOutcome> {
  const signal = signalGiven(options.signal ?? 'TERM');
  const view = await takenOutOfLine(job, settle(job), { ...options, signal });
  const plan = planStop(signal.name, options.graceMs ?? defaultGraceMs, options.only);
  if (isTerminal(view.status)) return { view, ...(await stopLost(job, view, plan, options)) };
  const leader = view.state?.identity;
  if (view.status === 'running' && view.state && !leader && options.by === 'user') {
    const report = await stopUnidentified(job, view.state, { plan, abort: options.abort });
    if (report.survivors.length > 0 || options.only) return { view: settle(job), report };
    return { view: await waitForEnd(job, { signal: options.abort }), report };
  }
  if (view.status !== 'running' || !leader) {
    throw new JobError(
      'invalid_state',
      `job ${job.id} cannot be stopped: it is ${view.status}${leader ? '' : ' and carries no process identity'}`,
    );
  }
  requestStop(job, {
    intent: options.only ? 'signal' : 'stop',
    by: options.by,
    signal: signal.name,
    signal_number: signal.number,
    at_ms: Date.now(),
    ...(options.logLimit === undefined ? {} : { log_limit: options.logLimit }),
  });
  await shimIsUp(job, leader, options.abort);
  const report = await stopTree(treeOf(job, leader), plan, { signal: options.abort });
  dropControlGroupIn(pathOf(job, 'controlGroup'), job.id);
  const after = settle(job);
  if (isTerminal(after.status) || report.survivors.length > 0 || options.only) return { view: after, report };
  return { view: await waitForEnd(job, { timeoutMs: recordWaitMs, signal: options.abort }), report };
}

/** Signals that are meant to end what gets them. */
const endingSignals: readonly string[] = ['SIGTERM', 'SIGINT', 'SIGKILL', 'SIGHUP', 'SIGQUIT'];

/** How long a launch is waited for that has begun when it should be stopped, and between two looks at it, in ms. */
const [beginMsMax, beginLookMs] = [5_000, 5];

/** A job that waits for its turn never gets it; where its launch has begun right now, it is stopped as any other that runs. */
async function takenOutOfLine(
  job: JobDir,
  view: JobView,
  { by, signal, abort }: StopOptions & { signal: SignalName },
): Promise<JobView> {
  if (view.status !== 'created' || !endingSignals.includes(signal.name) || !isInLine(job)) return view;
  const deadlineMs = performance.now() + beginMsMax;
  for (let known = view; ; known = settle(job)) {
    if (known.status !== 'created' || performance.now() > deadlineMs) return known;
    if (endUnstarted(job, `killed by ${by} while it waited for its turn`)) return settle(job);
    await new Promise((resolve) => setTimeout(resolve, beginLookMs));
    abort?.throwIfAborted();
  }
}

function signalGiven(given: SignalName | string): SignalName {
  const signal = typeof given === 'object' ? given : parseSignal(String(given));
  if (signal) return signal;
  throw new JobError('invalid_input', `this system has no signal ${JSON.stringify(given)}: give a name such as TERM`);
}

/** A job is lost when its shim was killed; what the shim led may run on, and can be stopped all the same. */
async function stopLost(
  job: JobDir,
  { state }: JobView,
  plan: StopPlan,
  { abort }: StopOptions,
): Promise<{ report?: StopReport }> {
  const tree = state?.ending?.kind === 'lost' && state.identity ? treeOf(job, state.identity) : undefined;
  if (!tree || membersOf(tree).length === 0) return {};
  const report = await stopTree(tree, plan, { signal: abort });
  dropControlGroupIn(pathOf(job, 'controlGroup'), job.id);
  return { report };
}

/** A shim that is signalled before it has set its traps dies with the workload: it says its pid right after that. */
async function shimIsUp(job: JobDir, shim: ProcessIdentity, abort: AbortSignal | undefined): Promise<void> {
  const deadlineMs = performance.now() + shimStartMs;
  while (readRecord(job).kind === 'empty' && isAlive(shim) && performance.now() < deadlineMs) {
    await new Promise((resolve) => setTimeout(resolve, shimLookMs));
    abort?.throwIfAborted();
  }
}

/** The first reason to stop wins; a mere signal never hides one. */
function requestStop(job: JobDir, request: StopFile): void {
  if (readStop(job)?.intent === 'stop') return;
  // A full disk must not keep anybody from killing what fills it: then the ending is that of the signal.
  replaceFileIfRoom(pathOf(job, 'stop'), pretty(request));
}
