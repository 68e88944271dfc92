/**
 * The line in which the jobs of a root wait for their turn. A place in it is one empty file, whose name says all:
 *
 *     .host/queue/<number, 12 digits>.<queue, or nothing>.<job id>
 *
 * Made in one step, it is there or it is not, whoever is killed. Who comes takes the number behind the highest that is there. The highest
 * ticket stays when its job is over, so that no number comes twice; two who come at the same moment may draw the same one, and then
 * the ids decide. Of several tickets of one job the last counts: it was put into line again. A ticket says where a job stands, never how it
 * stands: that is in its own directory.
 *
 * | file                | made by                | removed by                                             |
 * |---------------------|------------------------|--------------------------------------------------------|
 * | `.host/queue/*`     | whoever puts a job into line | the keeper, when the job has ended and its sinks were told |
 * | `.host/queues.json` | `setQueueSlots`        | nobody; replaced whole                                 |
 */
import { closeSync, openSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFile } from '@kanade/durable/files';
import { isJobName, isQueueName } from '@kanade/shared/job-words';
import { errnoOf, JobError } from '../job-error.ts';
import { pretty, takeClaim } from './files.ts';
import { keeperDirName, limits, readSmallFile } from './layout.ts';
import { makeKeeperDir } from './root.ts';

/** Directory of the tickets, below the keeper's. */
export const ticketsDirName = 'queue';

/** The place of one job in the line. */
export interface Ticket {
  /** Name of its file. */
  readonly name: string;
  readonly number: number;
  /** Empty for a job that only waits for others. */
  readonly queue: string;
  readonly jobId: string;
}

const digits = 12;

/** What a name says; undefined for one that is no ticket of ours. */
export function parseTicket(name: string): Ticket | undefined {
  const [number = '', queue = '', jobId = '', more] = name.split('.');
  if (!/^\d{12}$/.test(number) || more !== undefined) return undefined;
  if (!isJobName(jobId) || (queue !== '' && !isQueueName(queue))) return undefined;
  return { name, number: Number(number), queue, jobId };
}

/** The tickets among the names of a directory, in their order. */
export const ticketsAmong = (names: readonly string[]): Ticket[] =>
  // All numbers have the same length: the order of the names is theirs.
  names
    .toSorted()
    .map(parseTicket)
    .filter((ticket) => ticket !== undefined);

/** The line of a root, as it stands; empty where nobody ever stood in it. */
export const readTickets = (root: string): Ticket[] => ticketsAmong(namesIn(join(root, keeperDirName, ticketsDirName)));

/** Of several tickets of one job the last one. */
export function lastOfEach(tickets: readonly Ticket[]): Ticket[] {
  const last = new Map(tickets.map((ticket) => [ticket.jobId, ticket.name]));
  return tickets.filter(({ jobId, name }) => last.get(jobId) === name);
}

/** Names in a directory; none where there is none, or once it was deleted, though it may still be held. */
export function namesIn(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/** The ticket that counts for a job; undefined when it does not stand in line. */
export const ticketOf = (root: string, jobId: string): Ticket | undefined =>
  readTickets(root).findLast((ticket) => ticket.jobId === jobId);

/** Puts a job at the end of the line. */
export function takeTicket(root: string, jobId: string, queue = ''): void {
  const dir = makeKeeperDir(root, ticketsDirName);
  const number = (readTickets(root).at(-1)?.number ?? 0) + 1;
  if (number >= 10 ** digits)
    throw new JobError('io_error', `${dir} holds a number that no other can follow: remove its last file`);
  closeSync(openSync(join(dir, `${String(number).padStart(digits, '0')}.${queue}.${jobId}`), 'wx', 0o600));
}

/** How many jobs of a queue run at the same time, unless it was told otherwise. */
export const slotsDefault = 1;

const settingsVersion = 1;

const settingsPath = (root: string): string => join(root, keeperDirName, 'queues.json');

/** The queues that were told their slots. What cannot be read is as if it were not there: {@link slotsDefault} is the cautious number. */
export const readSlots = (root: string): ReadonlyMap<string, number> => new Map(settingsOf(root)?.queues);

function settingsOf(root: string): { readonly version: unknown; readonly queues: [string, number][] } | undefined {
  try {
    const { version, queues } = JSON.parse(readSmallFile(settingsPath(root)) ?? '') as Record<string, unknown>;
    const known = Object.entries((queues ?? {}) as Record<string, { slots?: unknown } | null>);
    return {
      version,
      queues: known.flatMap(([name, queue]) => (areSlots(queue?.slots) ? [[name, queue.slots]] : [])),
    };
  } catch {
    return undefined; // none yet, or damaged: it is written anew by the next who sets one
  }
}

const areSlots = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= limits.slots;

/** Says how many jobs of a queue may run at the same time; what runs goes on. Throws `invalid_input`, `invalid_state`, `io_error`. */
export function setQueueSlots(root: string, name: string, slots: number): void {
  if (!isQueueName(name))
    throw new JobError(
      'invalid_input',
      `${JSON.stringify(name)} is no name of a queue: letters, digits, - and _, a letter or digit first, at most 64`,
    );
  if (!areSlots(slots))
    throw new JobError('invalid_input', `a queue cannot have ${slots} slots: give 0 (none starts) to ${limits.slots}`);
  using claim = takeClaim(join(makeKeeperDir(root), 'queues.lock'));
  if (!claim) throw new JobError('invalid_state', `the queues of ${root} are just being changed: try again`);
  const known = settingsOf(root);
  if (known && known.version !== settingsVersion)
    throw new JobError(
      'invalid_state',
      `${settingsPath(root)} was written by a newer version: change it with that one`,
    );
  const queues = new Map(known?.queues).set(name, slots);
  const told = Object.fromEntries([...queues].map(([queue, count]) => [queue, { slots: count }]));
  replaceFile(settingsPath(root), pretty({ version: settingsVersion, queues: told }));
}
