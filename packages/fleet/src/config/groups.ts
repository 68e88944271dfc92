/** Groups of machines, as an operator gives them. */
import { type AgentGroups, agentGroups, buckets, bucketsOnDemand, obsSubject, streams } from '@kanade/shared/fleet';
import { jetstreamManager } from '@nats-io/jetstream';
import { checkId } from '../catalogue/bucket.ts';
import { type Fleet, requestTimeoutMsDefault } from '../connection/connect-fleet.ts';
import { abortable } from '../fault/abortable.ts';
import { FleetError } from '../fault/fleet-error.ts';
import { translate } from '../fault/translate.ts';
import { groupsIn, readMembership, readMemberships } from './membership.ts';
import { type Changed, changeStored, type StoredValue, storedObject } from './stored-value.ts';

/** Machines that are changed at a time. */
const changesAtOnce = 32;

interface Asked {
  readonly signal?: AbortSignal | undefined;
}

export interface GroupAdded {
  readonly added: readonly string[];
  /** Were in it before. */
  readonly already: readonly string[];
  /** Of those, the ones that nobody has heard of yet: they are in it when they come. */
  readonly unheard: readonly string[];
}

/**
 * Puts machines into a group; what others do with the same machines at the same time stays. When it fails some machines may be in it:
 * the same call does the rest. Throws FleetError `stored_unreadable` for a machine whose groups cannot be read.
 */
export async function addToGroup(
  fleet: Fleet,
  group: string,
  { pcs, signal }: Asked & { pcs: readonly string[] },
): Promise<GroupAdded> {
  check(group, pcs);
  try {
    const added: string[] = [];
    const already: string[] = [];
    await inBatches(pcs, async (pc) => {
      const isNew = await change(fleet, pc, { signal, to: (groups) => [...groups, group] });
      (isNew ? added : already).push(pc);
    });
    const heard = await heardOf(fleet, pcs, signal);
    return { added: added.sort(), already: already.sort(), unheard: pcs.filter((pc) => !heard.has(pc)).sort() };
  } catch (error) {
    throw translate(error, `adding to group ${group}`, signal);
  }
}

export interface GroupRemoved {
  readonly removed: readonly string[];
  /** Were not in it. */
  readonly absent: readonly string[];
  /** Are in it all the same, because the membership is derived, too. */
  readonly stillIn: readonly string[];
}

/**
 * Takes machines out of a group. Throws FleetError `group_derived`, and changes nothing, when one of them is in it only because its
 * membership is derived: what derives it says so again.
 */
export async function removeFromGroup(
  fleet: Fleet,
  group: string,
  { pcs, signal }: Asked & { pcs: readonly string[] },
): Promise<GroupRemoved> {
  check(group, pcs);
  try {
    const derived: string[] = [];
    const derivedAlone: string[] = [];
    await inBatches(pcs, async (pc) => {
      const member = await readMembership(fleet, pc, signal);
      if (!member.derived.includes(group)) return;
      (member.given.includes(group) ? derived : derivedAlone).push(pc);
    });
    if (derivedAlone.length > 0) throw derivedFault(group, derivedAlone.sort());
    const removed: string[] = [];
    const absent: string[] = [];
    await inBatches(pcs, async (pc) => {
      const wasIn = await change(fleet, pc, { signal, to: (groups) => groups.filter((name) => name !== group) });
      (wasIn ? removed : absent).push(pc);
    });
    return { removed: removed.sort(), absent: absent.sort(), stillIn: derived.sort() };
  } catch (error) {
    throw translate(error, `removing from group ${group}`, signal);
  }
}

function derivedFault(group: string, pcs: readonly string[]): FleetError {
  const who = pcs.slice(0, namesMax).join(', ') + (pcs.length > namesMax ? ` and ${pcs.length - namesMax} more` : '');
  const why = `their membership is derived (${bucketsOnDemand.agentGroupsDerived}), and would be again`;
  return new FleetError(
    'group_derived',
    `nothing was removed from ${group}: of ${who}, ${why}; change what derives it`,
  );
}

/** Machines that an error names. */
const namesMax = 10;

/** A group and how many machines are in it. */
export interface GroupSize {
  readonly group: string;
  readonly machines: number;
  /** Put into it by operators, and by what derives groups; a machine may be both. */
  readonly given: number;
  readonly derived: number;
}

/** Every group that somebody is in, by name. Throws FleetError. */
export async function listGroups(fleet: Fleet, { signal }: Asked = {}): Promise<GroupSize[]> {
  try {
    const sizes = new Map<string, { machines: number; given: number; derived: number }>();
    for (const { all, given, derived } of (await readMemberships(fleet, signal)).values()) {
      for (const group of all) {
        const size = sizes.get(group) ?? { machines: 0, given: 0, derived: 0 };
        sizes.set(group, size);
        size.machines++;
        if (given.includes(group)) size.given++;
        if (derived.includes(group)) size.derived++;
      }
    }
    return [...sizes].sort(([a], [b]) => (a < b ? -1 : 1)).map(([group, size]) => ({ group, ...size }));
  } catch (error) {
    throw translate(error, 'listing groups', signal);
  }
}

/** A machine of a group, and why it is in it. */
export interface GroupMember {
  readonly pc: string;
  readonly given: boolean;
  readonly derived: boolean;
}

/** Who is in a group, by id. Throws FleetError `group_not_found` when nobody is. */
export async function readGroup(fleet: Fleet, group: string, { signal }: Asked = {}): Promise<GroupMember[]> {
  checkId('a group', group);
  try {
    const members = [...(await readMemberships(fleet, signal))].flatMap(([pc, { given, derived, all }]) =>
      all.includes(group) ? [{ pc, given: given.includes(group), derived: derived.includes(group) }] : [],
    );
    if (members.length > 0) return members;
    throw new FleetError('group_not_found', `no machine is in ${group}; "kanade fleet group list" shows all groups`);
  } catch (error) {
    throw translate(error, `reading group ${group}`, signal);
  }
}

function check(group: string, pcs: readonly string[]): void {
  checkId('a group', group);
  for (const pc of pcs) checkId('a machine', pc);
}

async function inBatches(pcs: readonly string[], work: (pc: string) => Promise<void>): Promise<void> {
  for (let from = 0; from < pcs.length; from += changesAtOnce) {
    await Promise.all(pcs.slice(from, from + changesAtOnce).map(work));
  }
}

/** Puts one machine into groups; what it is in stays. False when it was in all of them. */
export const joinGroups = (fleet: Fleet, pc: string, groups: readonly string[]): Promise<boolean> =>
  change(fleet, pc, { to: (before) => [...before, ...groups] });

/** Whether the groups of a machine became others. */
function change(
  fleet: Fleet,
  pc: string,
  { to, signal }: Asked & { to: (groups: readonly string[]) => readonly string[] },
): Promise<boolean> {
  const place = { bucket: buckets.agentGroups, key: pc };
  return changeStored(fleet, place, {
    signal,
    change: (stored: StoredValue): Changed<boolean> => {
      const before = storedGroups(stored, place);
      const after = agentGroups(to(before.groups));
      const isChanged = JSON.stringify(after.groups) !== JSON.stringify(agentGroups(before.groups).groups);
      return { value: isChanged ? JSON.stringify({ ...before, ...after }) : undefined, told: isChanged };
    },
  });
}

function storedGroups(stored: StoredValue, place: { bucket: string; key: string }): AgentGroups {
  if (stored.bytes === undefined) return { groups: [] };
  const groups = groupsIn(storedObject(stored, place));
  if (groups) return groups;
  const message = `the groups of ${place.key} cannot be read, and it takes itself for a member of none; "kanade fleet forget ${place.key}" clears them`;
  throw new FleetError('stored_unreadable', message);
}

/** Machines of which there is a sign: their agents tell when they start. All of them where nobody keeps that. */
async function heardOf(fleet: Fleet, pcs: readonly string[], signal: AbortSignal | undefined): Promise<Set<string>> {
  const manager = await jetstreamManager(fleet.connection, { timeout: requestTimeoutMsDefault, checkAPI: false });
  const heard = new Set<string>();
  await inBatches(pcs, async (pc) => {
    const asked = manager.streams.getMessage(streams.obsEvents, { last_by_subj: obsSubject(pc) });
    const message = await abortable(asked, signal).catch((error: unknown) => {
      if (signal?.aborted) throw error;
      return undefined; // not worth a failure of what is done
    });
    if (message !== null) heard.add(pc);
  });
  return heard;
}
