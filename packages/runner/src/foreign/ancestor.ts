/**
 * Directories of the ancestor, the tool whose format this is; no other file knows them. Its supervisor writes the record of
 * its running jobs, and nobody else does: without an identity of ours, all there is is a pid, which may belong to a stranger by now.
 * Such a job is judged by what lives, waited for, and stopped for a user, if its process started before the record was last
 * written. Nothing of its directory is changed.
 */
import { statSync } from 'node:fs';
import { isTerminal, type JobState } from '@kanade/shared/job-words';
import { JobError } from '../job-error.ts';
import {
  identify,
  isAlive,
  listProcesses,
  type ProcessIdentity,
  readProcess,
  startedAtMs,
} from '../process/identity.ts';
import { sendSignal } from '../process/send-signal.ts';
import type { StopPlan } from '../process/stop-plan.ts';
import type { StopReport } from '../process/stop-tree.ts';
import { type JobDir, pathOf, type StateFile } from '../record/layout.ts';

/** The marker by which the ancestor's launcher and supervisor decide who begins; a new run begins without it. */
export const ancestorMarker = 'supervisor.ack';

/** How a job stands. */
interface Standing {
  readonly status: JobState;
  readonly state: StateFile | undefined;
}

/** Such a job has a supervisor of its own, which enforces its deadline; its logs are not ours to touch. */
export const isOfAncestor = ({ status, state }: Standing): boolean =>
  status === 'running' && state?.identity === undefined;

/** A live process has the pid that a record without an identity names; it may be any. */
export const isPidTaken = (pid: number | undefined): boolean => pid !== undefined && readProcess(pid)?.zombie === false;

/** How long the ancestor's supervisor may take after the end, in ms: 2,000 to drain the logs, and some to write. */
const ancestorDrainMs = 3_000;

/** How long the ancestor's supervisor may take to write the ending of a process that is gone, in ms. */
const ancestorEndingMs = 1_000;

/**
 * Says of one look after the other in how many ms nothing more is to come: 0 = now, undefined = it is not known. The ancestor's
 * supervisor leaves a time between the end and the last word, and it may be dead: then that time passes.
 */
export function createAncestorClock(job: JobDir): (view: Standing) => number | undefined {
  let goneSinceMs: number | undefined;
  return ({ status, state }) => {
    if (isTerminal(status)) {
      const writtenAtMs = statSync(pathOf(job, 'state'), { throwIfNoEntry: false })?.mtimeMs ?? 0;
      const agoMs = Date.now() - writtenAtMs;
      return agoMs < 0 ? 0 : Math.max(0, Math.ceil(ancestorDrainMs - agoMs));
    }
    if (status !== 'unknown') return undefined;
    if (!state) return 0;
    goneSinceMs ??= performance.now();
    return Math.max(0, Math.ceil(ancestorEndingMs - (performance.now() - goneSinceMs)));
  };
}

/** How much later than the record a process may seem to have started, in ms: file times come from a clock that ticks coarsely. */
const clockSlackMs = 100;

/** How often the processes are looked at while a stop is under way, in ms. */
const lookEveryMs = 10;

/**
 * Signals the recorded process: its group when it leads one, else it alone. Throws `invalid_state` when the pid is gone
 * or belongs to a process that started after the record was written.
 */
export async function stopUnidentified(
  job: JobDir,
  state: StateFile,
  { plan, abort }: { plan: StopPlan; abort?: AbortSignal | undefined },
): Promise<StopReport> {
  const leader = provenProcess(job, state);
  const leads = readProcess(leader.pid)?.group === leader.pid;
  const startedMs = performance.now();
  const known = new Map(membersOf(leader, leads).map((member) => [member.pid, member]));
  const members = [...known.keys()];
  for (const step of plan.steps) {
    abort?.throwIfAborted();
    const deadlineMs = performance.now() + step.waitMs;
    // Once for the gentle signal; again and again for KILL, which meets those that were born meanwhile.
    sendSignal(leader, step.signal, leads ? 'group' : 'process');
    while (aliveOf(known).length > 0 && performance.now() < deadlineMs) {
      await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
      abort?.throwIfAborted();
      for (const member of membersOf(leader, leads)) known.set(member.pid, member);
      if (step.signal === 'SIGKILL') for (const member of known.values()) sendSignal(member, 'SIGKILL');
    }
    if (aliveOf(known).length === 0) break;
  }
  return {
    mechanism: leads ? 'process-group' : 'process',
    members,
    survivors: aliveOf(known).map(({ pid }) => pid),
    elapsedMs: Math.round(performance.now() - startedMs),
  };
}

const aliveOf = (known: ReadonlyMap<number, ProcessIdentity>): ProcessIdentity[] => [...known.values()].filter(isAlive);

function provenProcess(job: JobDir, { pid }: StateFile): ProcessIdentity {
  // Neither ourselves nor what kill(2) takes for "everybody".
  const leader =
    Number.isSafeInteger(pid) && pid !== undefined && pid > 1 && pid !== process.pid ? identify(pid) : undefined;
  if (!leader) throw new JobError('invalid_state', `job ${job.id} cannot be stopped: its process ${pid} is gone`);
  const writtenAtMs = statSync(pathOf(job, 'state')).mtimeMs;
  const bornAtMs = startedAtMs(leader);
  if (bornAtMs === undefined || bornAtMs > writtenAtMs + clockSlackMs) {
    throw new JobError(
      'invalid_state',
      `job ${job.id} cannot be stopped: process ${pid} is another one, it started after ${pathOf(job, 'state')} was written`,
    );
  }
  return leader;
}

/** The process and, when it leads a group, who is in it. A new owner of the pid means that nobody of the old group is left. */
function membersOf(leader: ProcessIdentity, leads: boolean): ProcessIdentity[] {
  if (!leads) return isAlive(leader) ? [leader] : [];
  const processes = listProcesses();
  const holder = processes.find(({ pid }) => pid === leader.pid);
  if (holder && holder.start !== leader.start) return [];
  return processes
    .filter((entry) => entry.group === leader.pid && !entry.zombie)
    .map(({ pid, start }) => ({ pid, start, boot: leader.boot }));
}
