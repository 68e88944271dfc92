/**
 * The line of a root in the hands of its keeper, which alone decides who is next: it holds the lock of the root as long as it lives,
 * and the system gives that back when it dies, however it dies.
 *
 * What is known of the line is on the disk: tickets say in which order jobs came (`record/tickets.ts`), the directories of the jobs how they
 * stand. Nothing else is counted: a slot is taken by a job in line that runs, and nobody overtakes one whose launch has begun. Whoever is killed, in between
 * two steps or in one of them:
 *
 * |    | step                                        | killed right after it                                                     |
 * |----|---------------------------------------------|---------------------------------------------------------------------------|
 * | 1  | caller: directory, definition, `created`    | a created job that stands nowhere; nobody was promised more                |
 * | 2  | caller: `environment.json`                  | the same                                                                  |
 * | 3  | caller: ticket. From here on it is promised | whoever looks at a job of the line next starts a keeper (`care.ts`)       |
 * | 4  | caller: marker, keeper started              | the keeper finds the ticket                                               |
 * | 5  | keeper: record claimed, nothing runs        | the next keeper counts it as starting, and launches it when no process can |
 * |    |                                             | write that record any more, 5 s later; meanwhile nobody overtakes it      |
 * | 6  | keeper: shim runs                           | the shim writes its pid and its ending; the next keeper finds it running  |
 * | 7  | keeper: state `running`                     | the same                                                                  |
 * | 8  | keeper: `environment.json` removed          | the same; one that was left is removed by the next keeper                 |
 * | 9  | shim: ending in the record                  | the next keeper settles it, which frees the slot                          |
 * | 10 | keeper: sinks told                          | `completion_event.json` says so; in the middle of it they are told again  |
 * | 11 | keeper: marker and ticket removed           | a ticket of a job that has ended is passed over, and removed              |
 *
 * Whoever ends a job that waits takes its record first, as a launch does: one of both has it. Killed after that and before the state says
 * so, it is as after step 5, and the job gets its turn: nobody was told that it had ended. A restart takes the `turn` of a job to make it new and
 * put it into line again, and the keeper takes it to start or refuse one. The reboot of a machine is the same as all of
 * them at once: what ran is lost, which frees its slot; what waits goes on to wait, until somebody looks.
 */
import { join } from 'node:path';
import { JobError } from '../../job-error.ts';
import { startJob } from '../../life/launch.ts';
import { dropEnvironment, endUnstarted, readEnvironment } from '../../life/turn.ts';
import { tryClaim } from '../../record/files.ts';
import { type Dependency, type JobDir, readMeta } from '../../record/layout.ts';
import { lastOfEach, readSlots, slotsDefault, type Ticket } from '../../record/tickets.ts';
import type { Keeper } from '../keeper.ts';
import { type KeeperDir, mark } from '../markers.ts';
import { decideTurn, type InLine, type Standing } from './decide-turn.ts';
import { createStandings, isAbandoned, type JobStandings } from './standings.ts';

export interface LineOptions {
  readonly root: string;
  readonly dir: KeeperDir;
  readonly keeper: Pick<Keeper, 'adopt'>;
  readonly signal: AbortSignal;
  readonly onTrouble: (job: JobDir, error: unknown) => void;
}

export interface JobLine {
  /** Sees to whose turn it is. `all`: something may have changed of which nobody tells. */
  look(which: 'all' | 'restless'): void;
  /** The job stands in line: nobody else sees to it. */
  has(jobId: string): boolean;
  /** Something waits for its turn, or is about to have it. */
  readonly isBusy: boolean;
}

/** A job in line. */
interface Member {
  readonly job: JobDir;
  readonly ticket: Ticket;
  readonly after: readonly Dependency[];
  /** What the disk said against its start keeps it until then, on the `performance.now()` clock, in ms. */
  notBeforeMs: number;
  /** It has ended: its sinks are being told, or were. */
  ending: 'no' | 'telling' | 'told';
}

/** Jobs that are read for the first time in one go: about 10 ms. */
const readsMax = 200;

/** How long a start is put off that the disk had no room for, in ms. */
const putOffMs = 5_000;

export function createLine(options: LineOptions): JobLine {
  const { root, dir, signal } = options;
  const members = new Map<string, Member>();
  let soon: NodeJS.Immediate | undefined;
  const lookSoon = (): void => {
    soon ??= setImmediate(() => {
      soon = undefined;
      if (!signal.aborted) look();
    });
  };
  const standings = createStandings({ root, signal, onEnd: lookSoon });
  const hands = createHands({ ...options, standings, lookSoon });
  let seen = '';
  const look = (): void => {
    const tickets = dir.tickets();
    seen = seenIn(tickets);
    if (!takeIn({ root, members, tickets, standings })) {
      lookSoon();
      return;
    }
    for (const ticket of superseded(tickets)) dir.dropTicket(ticket);
    for (const member of members.values()) hands.seeTo(member, tickets.at(-1));
    const line = [...members.values()].filter(({ ending }) => ending === 'no').map((one) => inLine(one, standings));
    const slots = readSlots(root);
    const turn = decideTurn({
      line,
      standingOf: standings.of,
      slotsOf: (queue) => slots.get(queue) ?? slotsDefault,
    });
    for (const { jobId, reason } of turn.refused.slice(0, readsMax)) hands.refuse(members.get(jobId), reason);
    hands.start(members.get(turn.started[0] ?? ''));
    // One at a time: between two starts the others have their turn.
    if (turn.refused.length > 0 || turn.started.length > 0) lookSoon();
    standings.keep(new Set(line.flatMap(({ jobId, after }) => [jobId, ...after.map(({ job_id }) => job_id)])));
  };
  return {
    look(which) {
      const isRestless = standings.recheck(which, (id) => members.has(id));
      if (which === 'all' || isRestless || hasPutOff(members) || seenIn(dir.tickets()) !== seen) look();
    },
    has: (jobId) => (members.get(jobId)?.ending ?? 'told') !== 'told',
    get isBusy() {
      return soon !== undefined || [...members.values()].some(({ ending }) => ending !== 'told');
    },
  };
}

const seenIn = (tickets: readonly Ticket[]): string => tickets.map(({ name }) => name).join();

const hasPutOff = (members: ReadonlyMap<string, Member>): boolean =>
  [...members.values()].some(({ ending, notBeforeMs }) => ending === 'no' && notBeforeMs > 0);

/** Brings the members up to what the tickets say; false when there are more to be read than can be in one go. */
function takeIn({
  root,
  members,
  tickets,
  standings,
}: {
  root: string;
  members: Map<string, Member>;
  tickets: readonly Ticket[];
  standings: JobStandings;
}): boolean {
  const line = lastOfEach(tickets);
  const present = new Map(line.map((ticket) => [ticket.jobId, ticket.name]));
  for (const [id, { ticket }] of members) if (present.get(id) !== ticket.name) members.delete(id);
  const added = line.filter(({ jobId }) => !members.has(jobId));
  for (const ticket of added.slice(0, readsMax)) {
    const job = { id: ticket.jobId, path: join(root, ticket.jobId) };
    const { kind } = standings.reread(job.id);
    if (kind === 'running' || kind === 'ended') dropEnvironment(job); // left by a keeper that was killed
    members.set(job.id, { job, ticket, after: readMeta(job)?.after ?? [], notBeforeMs: 0, ending: 'no' });
  }
  if (added.length > readsMax) return false;
  // One that came late may have been read before another that was put into line again.
  if (added.length > 0) for (const { jobId } of line) move(members, jobId);
  return true;
}

/** To the end of a map. */
function move(members: Map<string, Member>, id: string): void {
  const member = members.get(id);
  members.delete(id);
  if (member) members.set(id, member);
}

/** Tickets behind which there is a later one of the same job. */
function superseded(tickets: readonly Ticket[]): Ticket[] {
  const last = new Set(lastOfEach(tickets));
  return tickets.filter((ticket) => !last.has(ticket));
}

function inLine({ job, ticket, after, notBeforeMs }: Member, standings: JobStandings): InLine {
  const standing = standings.of(job.id);
  const isPutOff = standing.kind === 'waiting' && performance.now() < notBeforeMs;
  return { jobId: job.id, queue: ticket.queue, after, standing: isPutOff ? { kind: 'starting' } : standing };
}

interface Hands {
  /** Adopts what runs, goes on with what was begun, lets go of what has ended. */
  seeTo(member: Member, last: Ticket | undefined): void;
  refuse(member: Member | undefined, reason: string): void;
  start(member: Member | undefined): void;
}

/** What is done to members. One of which the system will not have it holds up nobody else. */
function createHands(options: LineOptions & { standings: JobStandings; lookSoon: () => void }): Hands {
  const { dir, keeper, standings, lookSoon, onTrouble } = options;
  /** Does something to a job that waits, while nobody else can put it into line again. */
  const decide = (member: Member, work: () => void): void => {
    let isDone = false;
    try {
      using claim = tryClaim(member.job, 'turn');
      isDone = claim !== undefined;
      if (claim) work();
    } finally {
      const standing = standings.reread(member.job.id);
      if (isDone) putOffUnless(member, standing);
    }
  };
  const refuse = (member: Member, reason: string): void => decide(member, () => void endUnstarted(member.job, reason));
  const start = (member: Member): void => decide(member, () => begin(member, options));
  const end = (member: Member): void => {
    member.ending = 'telling';
    const told = (): void => {
      member.ending = 'told';
      dir.unmark(member.job.id);
      lookSoon();
    };
    keeper.adopt(member.job).then(told, told);
  };
  const tried = (member: Member, work: () => void): void => {
    try {
      work();
    } catch (error) {
      member.notBeforeMs = performance.now() + putOffMs;
      if (!(error instanceof JobError)) onTrouble(member.job, error);
    }
  };
  const seeTo = (member: Member, last: Ticket | undefined): void => {
    const { job, ticket, ending } = member;
    if (ending === 'told' && ticket.name !== last?.name) dir.dropTicket(ticket);
    if (ending !== 'no') return;
    const { kind } = standings.of(job.id);
    if (kind === 'absent') member.ending = 'told';
    else if (kind === 'ended') end(member);
    else if (kind === 'running')
      keeper.adopt(job).catch(() => undefined); // reported as an event
    else if (kind === 'starting' && isAbandoned(job) && performance.now() >= member.notBeforeMs) start(member);
  };
  return {
    seeTo: (member, last) => tried(member, () => seeTo(member, last)),
    refuse: (member, reason) => member && tried(member, () => refuse(member, reason)),
    start: (member) => member && tried(member, () => start(member)),
  };
}

function begin({ job }: Member, { root, keeper }: Pick<LineOptions, 'root' | 'keeper'>): void {
  const meta = readMeta(job);
  const environment = readEnvironment(job);
  if (!meta || !environment) {
    const lost = meta ? 'the environment that it was put into line with' : 'its meta.json';
    endUnstarted(job, `${lost} cannot be read`);
    return;
  }
  mark(root, job);
  const launched = startJob(job, environment, { meta });
  launched.release();
  dropEnvironment(job);
  keeper.adopt(job, launched).catch(() => undefined); // reported as an event
}

/** Still where it was: the disk took nothing. It is tried again, and not at once. */
function putOffUnless(member: Member, { kind }: Standing): void {
  if (kind === 'waiting' || kind === 'starting') member.notBeforeMs = performance.now() + putOffMs;
}
