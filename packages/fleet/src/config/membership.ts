/** Who is in which group: what operators say, in `agent_groups`, and what is derived, in `agent_groups_derived`, which is read alone. */
import {
  AgentGroups,
  bucketStream,
  buckets,
  bucketsOnDemand,
  createReader,
  effectiveGroups,
  entrySubject,
  isToken,
  readAs,
  removalHeader,
} from '@kanade/shared/fleet';
import type { Fleet } from '../connection/connect-fleet.ts';
import { isMissingStream } from '../fault/translate.ts';
import { readHeld } from '../stream/read-held.ts';
import { readValue } from '../stream/read-value.ts';
import { objectIn, readStored } from './stored-value.ts';

/** The groups of one machine. */
export interface Membership {
  readonly given: readonly string[];
  readonly derived: readonly string[];
  /** Both, sorted. */
  readonly all: readonly string[];
}

/** The groups of one machine, as it reads them itself: what cannot be read is no group. */
export async function readMembership(fleet: Fleet, pc: string, signal?: AbortSignal): Promise<Membership> {
  const read = async (bucket: string): Promise<AgentGroups | undefined> => {
    const { bytes } = await readStored(fleet, { bucket, key: pc }, signal);
    return bytes && groupsIn(objectIn(bytes));
  };
  return membership(await Promise.all([read(buckets.agentGroups), read(bucketsOnDemand.agentGroupsDerived)]));
}

function membership([given, derived]: readonly [AgentGroups | undefined, AgentGroups | undefined]): Membership {
  return { given: given?.groups ?? [], derived: derived?.groups ?? [], all: effectiveGroups(given, derived) };
}

/** Undefined for what a machine would not take for its groups. */
export function groupsIn(value: unknown): AgentGroups | undefined {
  const read = readAs(AgentGroups, value);
  return read.ok && read.value.groups.every(isToken) ? read.value : undefined;
}

/** Every machine of which groups are known, by id. */
export async function readMemberships(
  fleet: Pick<Fleet, 'connection'>,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, Membership>> {
  const [given, derived] = await Promise.all([
    readAll(fleet, buckets.agentGroups, signal),
    // Only fleets that derive groups have this bucket.
    readAll(fleet, bucketsOnDemand.agentGroupsDerived, signal).catch((error: unknown) => {
      if (isMissingStream(error)) return new Map<string, AgentGroups>();
      throw error;
    }),
  ]);
  const pcs = [...new Set([...given.keys(), ...derived.keys()])].filter(isToken).sort();
  return new Map(pcs.map((pc) => [pc, membership([given.get(pc), derived.get(pc)])]));
}

async function readAll(
  fleet: Pick<Fleet, 'connection'>,
  bucket: string,
  signal: AbortSignal | undefined,
): Promise<Map<string, AgentGroups>> {
  const found = new Map<string, AgentGroups>();
  const readGroups = createReader(AgentGroups);
  const request = { stream: bucketStream(bucket), filter: entrySubject(bucket, '>'), from: 'newest', signal } as const;
  for await (const message of readHeld(fleet, request)) {
    const operation = message.headers?.get(removalHeader.name);
    if (removalHeader.values.some((value) => value === operation)) continue;
    const groups = readValue(message, readGroups);
    // A machine whose groups cannot be read, or cannot be subjects, takes itself for a member of none of them.
    if (groups?.groups.every(isToken)) found.set(message.subject.slice(entrySubject(bucket, '').length), groups);
  }
  return found;
}
