/** Whose turn it is. Pure: the same line at the same moment gives the same answer. */
import type { Dependency } from '../../record/layout.ts';

/**
 * How a job stands for those who wait for it, or for its slot. `starting`: its launch has begun, and whether it runs is not known yet. `restarting`: it has ended, and somebody is putting it into line again. `absent`: there is no such job.
 */
export type Standing =
  | { readonly kind: 'waiting' | 'starting' | 'running' | 'restarting' | 'absent' }
  | { readonly kind: 'ended'; readonly isSuccess: boolean; readonly how: string };

/** A job in line, in the order of the line. */
export interface InLine {
  readonly jobId: string;
  /** Empty: it waits for other jobs alone, and needs no slot. */
  readonly queue: string;
  readonly after: readonly Dependency[];
  readonly standing: Standing;
}

/** What is to be done now. */
export interface Turn {
  readonly refused: readonly { readonly jobId: string; readonly reason: string }[];
  /** In this order. */
  readonly started: readonly string[];
}

export interface TurnFacts {
  readonly line: readonly InLine[];
  /** Of any job of the root. */
  standingOf(jobId: string): Standing;
  slotsOf(queue: string): number;
}

/**
 * First in, first out: of those of a queue that wait and whose dependencies have ended, the first get the slots that are free. One that waits
 * for another job holds up nobody behind it. Who waits for what will never be is refused, and with it whoever waits for that one.
 */
export function decideTurn({ line, standingOf, slotsOf }: TurnFacts): Turn {
  const waiting = line.filter(({ standing }) => standing.kind === 'waiting');
  const refused = refusals(waiting, standingOf);
  const free = new Map<string, number>();
  for (const { queue, standing } of line) {
    if (!free.has(queue)) free.set(queue, queue === '' ? Number.POSITIVE_INFINITY : slotsOf(queue));
    if (standing.kind === 'running') free.set(queue, (free.get(queue) ?? 0) - 1);
  }
  // Who began may not have begun in the end: nobody overtakes it until that is known.
  for (const { queue, standing } of line) if (queue !== '' && standing.kind === 'starting') free.set(queue, 0);
  const started: string[] = [];
  for (const { jobId, queue, after } of waiting) {
    const left = free.get(queue) ?? 0;
    if (left <= 0 || refused.has(jobId) || !after.every((one) => isMet(one, standingOf))) continue;
    free.set(queue, left - 1);
    started.push(jobId);
  }
  return { refused: [...refused].map(([jobId, reason]) => ({ jobId, reason })), started };
}

function isMet({ job_id, on }: Dependency, standingOf: TurnFacts['standingOf']): boolean {
  const standing = standingOf(job_id);
  return standing.kind === 'ended' && (on === 'any' || standing.isSuccess);
}

/** Those that will never have their turn, with the reason, which names what they waited for. */
function refusals(waiting: readonly InLine[], standingOf: TurnFacts['standingOf']): Map<string, string> {
  const refused = new Map<string, string>();
  for (const { jobId, after } of waiting) {
    const reason = after.map((one) => refusalFor(one, standingOf)).find((one) => one !== undefined);
    if (reason !== undefined) refused.set(jobId, reason);
  }
  for (const circle of circlesIn(knotOf(waiting)))
    for (const jobId of circle)
      if (!refused.has(jobId)) refused.set(jobId, `it waited for itself: ${roundFrom(jobId, circle)}`);
  return refused;
}

function refusalFor({ job_id, on }: Dependency, standingOf: TurnFacts['standingOf']): string | undefined {
  const standing = standingOf(job_id);
  if (standing.kind === 'absent') return `it waited for job ${job_id}, which is not there`;
  if (standing.kind !== 'ended' || standing.isSuccess || on === 'any') return undefined;
  return `it waited for the success of job ${job_id}, which ${standing.how}`;
}

/** Whom each job waits for that is still left when those are taken away, again and again, who wait for nobody. */
type Knot = ReadonlyMap<string, readonly string[]>;

/** Only a definition that was changed by hand makes a knot: who waits for a job is always made after it. */
function knotOf(waiting: readonly InLine[]): Knot {
  const present = new Set(waiting.map(({ jobId }) => jobId));
  const waitsFor = new Map(
    waiting.map(({ jobId, after }) => [jobId, after.map(({ job_id }) => job_id).filter((id) => present.has(id))]),
  );
  const waiters = new Map<string, string[]>();
  for (const [jobId, ids] of waitsFor)
    for (const id of ids) {
      const known = waiters.get(id);
      if (known) known.push(jobId);
      else waiters.set(id, [jobId]);
    }
  const open = new Map([...waitsFor].map(([jobId, ids]) => [jobId, ids.length]));
  const free = [...open].flatMap(([jobId, count]) => (count === 0 ? [jobId] : []));
  for (const jobId of free) {
    waitsFor.delete(jobId);
    for (const waiter of waiters.get(jobId) ?? []) {
      const left = (open.get(waiter) ?? 0) - 1;
      open.set(waiter, left);
      if (left === 0) free.push(waiter);
    }
  }
  return waitsFor;
}

/** Circles of a knot: whoever goes on to one of those that it waits for, again and again, comes to one. */
function circlesIn(knot: Knot): string[][] {
  const circles: string[][] = [];
  const seen = new Set<string>();
  for (const first of knot.keys()) {
    const way: string[] = [];
    let at: string | undefined = first;
    for (; at !== undefined && !seen.has(at); at = (knot.get(at) ?? []).find((id) => knot.has(id))) {
      seen.add(at);
      way.push(at);
    }
    const from = at === undefined ? -1 : way.indexOf(at);
    if (from >= 0) circles.push(way.slice(from));
  }
  return circles;
}

/** Jobs of a circle that a reason names. */
const namedMax = 5;

function roundFrom(jobId: string, circle: readonly string[]): string {
  if (circle.length > namedMax) return `through ${circle.length - 1} other jobs`;
  const at = circle.indexOf(jobId);
  return [...circle.slice(at), ...circle.slice(0, at), jobId].join(' waits for ');
}
