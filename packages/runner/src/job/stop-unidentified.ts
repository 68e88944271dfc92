/**
 * Stopping a running job whose record carries no identity of ours: the ancestor's supervisor started it, and only that
 * supervisor writes its record. All we have is a pid, which may belong to a stranger by now, so the process must have
 * started before the record was last written. Nothing of the job's directory is changed.
 */
import { statSync } from 'node:fs';
import { identify, isAlive, type ProcessIdentity, readProcess, startedAtMs } from '../process/identity.ts';
import { sendSignal } from '../process/send-signal.ts';
import type { StopPlan } from '../process/stop-plan.ts';
import type { StopReport } from '../process/stop-tree.ts';
import { listProcesses } from '../process/tree.ts';
import { JobError } from './job-error.ts';
import { type JobDir, pathOf } from './layout.ts';
import type { StateFile } from './record.ts';

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
