/** Where jobs stand in the line of their root, for who looks. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isLinedUp, type JobDir, type MetaFile, pathOf, readMeta, readState } from '../record/layout.ts';
import { isDirectory } from '../record/root.ts';
import { lastOfEach, readSlots, readTickets, slotsDefault, type Ticket, ticketOf } from '../record/tickets.ts';

/** Whether a job stands in the line of its root. */
export const isInLine = (job: JobDir): boolean => ticketOf(dirname(job.path), job.id) !== undefined;

/** Where a job stands that waits for its turn. */
export interface PlaceInLine {
  /** Its place among those of its queue that wait, from 1 on; undefined for one that only waits for other jobs, or is just being started. */
  readonly position: number | undefined;
  /** Jobs that have to end before. */
  readonly waitsFor: readonly string[];
}

/** Places of jobs, for one look at a root: the line is read once, and only when there is somebody to ask for. */
export function createPlaces(root: string): (job: JobDir, meta: MetaFile) => PlaceInLine | undefined {
  let line: readonly Ticket[] | undefined;
  const known = new Map<string, boolean>();
  const isWaiting = (id: string): boolean => {
    const waits = known.get(id) ?? standOf(root, id) === 'waiting';
    known.set(id, waits);
    return waits;
  };
  return (job, meta) => {
    if (!isLinedUp(meta)) return undefined;
    line ??= lastOfEach(readTickets(root));
    const at = line.findIndex(({ jobId }) => jobId === job.id);
    const own = line[at];
    if (!own) return undefined;
    const before = line.slice(0, at).filter(({ queue, jobId }) => queue === own.queue && isWaiting(jobId));
    return {
      position: own.queue === '' || !isWaiting(job.id) ? undefined : before.length + 1,
      waitsFor: (meta.after ?? []).map(({ job_id }) => job_id).filter((id) => standOf(root, id) !== 'over'),
    };
  };
}

/** A launch that has begun has its slot. */
function standOf(root: string, id: string): 'waiting' | 'running' | 'over' {
  const job = { id, path: join(root, id) };
  const status = readState(job)?.job.status;
  if (status === 'created') return existsSync(pathOf(job, 'record')) ? 'running' : 'waiting';
  return status === 'running' ? 'running' : 'over';
}

/** Which jobs those in line wait for, each with one that waits for it: they are not to be deleted. */
export function awaitedJobs(root: string): ReadonlyMap<string, string> {
  const awaited = new Map<string, string>();
  for (const { jobId } of readTickets(root)) {
    const job = { id: jobId, path: join(root, jobId) };
    if (!isDirectory(job.path) || readState(job)?.job.status !== 'created') continue;
    for (const { job_id } of readMeta(job)?.after ?? []) awaited.set(job_id, jobId);
  }
  return awaited;
}

/** The queues of a root. */
export interface QueueState {
  readonly name: string;
  readonly slots: number;
  /** Ids of the jobs that run, and of those that wait, in the order of the line. */
  readonly running: readonly string[];
  readonly waiting: readonly string[];
}

/** Every queue that was told its slots, or in which a job stands, by name. */
export function listQueues(root: string): QueueState[] {
  const slots = readSlots(root);
  const line = lastOfEach(readTickets(root)).map(({ queue, jobId }) => ({
    queue,
    jobId,
    stand: standOf(root, jobId),
  }));
  const names = new Set([...slots.keys(), ...line.flatMap(({ queue, stand }) => (stand === 'over' ? [] : [queue]))]);
  names.delete('');
  return [...names].sort().map((name) => {
    const idsOf = (wanted: string): string[] =>
      line.flatMap(({ queue, jobId, stand }) => (queue === name && stand === wanted ? [jobId] : []));
    return { name, slots: slots.get(name) ?? slotsDefault, running: idsOf('running'), waiting: idsOf('waiting') };
  });
}
