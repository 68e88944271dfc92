import {
  AgentGroups,
  bucketStream,
  buckets,
  bucketsOnDemand,
  createReader,
  effectiveGroups,
  entrySubject,
  isToken,
  removalHeader,
  type Target,
} from '@kanade/shared/fleet';
import type { Fleet } from '../connection/connect-fleet.ts';
import { isMissingStream, translate } from '../fault/translate.ts';
import { readHeld } from '../stream/read-held.ts';
import { readValue } from '../stream/read-value.ts';
import { agentsOnline } from './agents-online.ts';
import { pingAgent } from './ping-agent.ts';

/** How many machines are asked for a sign of life at a time. */
const pingsAtOnce = 64;

/** Whether a machine can take an order now. */
export type Presence = 'online' | 'away';

export interface FindMachinesOptions {
  /** Hears of each machine when it is known how it stands. */
  onMachine(pc: string, presence: Presence): void;
  /** How long all machines are listened for, in ms; default: as `agentsOnline`. */
  readonly listenMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Finds the machines that targets mean, and which of them are online: those of groups by their membership, each asked for a sign
 * of life; all machines by their heartbeats, which takes as long as agents take to send one. Resolves when nobody else can be
 * found. Throws FleetError.
 */
export async function findMachines(
  fleet: Fleet,
  targets: readonly Target[],
  { onMachine, listenMs, signal }: FindMachinesOptions,
): Promise<void> {
  const named = targets.flatMap((target) => (target.kind === 'pc' ? [target.pc] : []));
  const groups = targets.flatMap((target) => (target.kind === 'group' ? [target.group] : []));
  const ask = (pcs: readonly string[]): Promise<void> => askEach(fleet, pcs, { onMachine, signal });
  const listening = targets.some(({ kind }) => kind === 'all')
    ? agentsOnline(fleet, { onAgent: ({ pc_id }) => onMachine(pc_id, 'online'), listenMs, signal })
    : undefined;
  const members = groups.length === 0 ? undefined : membersOf(fleet, groups, signal).then(ask);
  await Promise.all([ask(named), members, listening]);
}

async function askEach(
  fleet: Fleet,
  pcs: readonly string[],
  { onMachine, signal }: FindMachinesOptions,
): Promise<void> {
  for (let from = 0; from < pcs.length; from += pingsAtOnce) {
    const asked = pcs.slice(from, from + pingsAtOnce).map(async (pc) => {
      const beat = await pingAgent(fleet, pc, signal ? { signal } : {});
      onMachine(pc, beat ? 'online' : 'away');
    });
    await Promise.all(asked);
  }
}

/** Machines that are in one of the groups, given or derived, sorted. */
async function membersOf(fleet: Fleet, groups: readonly string[], signal: AbortSignal | undefined): Promise<string[]> {
  try {
    const [given, derived] = await Promise.all([
      readGroups(fleet, buckets.agentGroups, signal),
      // Only fleets that derive groups have this bucket.
      readGroups(fleet, bucketsOnDemand.agentGroupsDerived, signal).catch((error: unknown) => {
        if (isMissingStream(error)) return new Map<string, AgentGroups>();
        throw error;
      }),
    ]);
    const pcs = [...new Set([...given.keys(), ...derived.keys()])].filter(isToken).sort();
    return pcs.filter((pc) => effectiveGroups(given.get(pc), derived.get(pc)).some((name) => groups.includes(name)));
  } catch (error) {
    throw translate(error, `reading who is in ${groups.join(', ')}`, signal);
  }
}

async function readGroups(
  fleet: Fleet,
  bucket: string,
  signal: AbortSignal | undefined,
): Promise<Map<string, AgentGroups>> {
  const found = new Map<string, AgentGroups>();
  const readAgentGroups = createReader(AgentGroups);
  const request = { stream: bucketStream(bucket), filter: entrySubject(bucket, '>'), from: 'newest', signal } as const;
  for await (const message of readHeld(fleet, request)) {
    const operation = message.headers?.get(removalHeader.name);
    if (removalHeader.values.some((value) => value === operation)) continue;
    const groups = readValue(message, readAgentGroups);
    // A machine whose groups cannot be read, or cannot be subjects, takes itself for a member of none of them.
    if (groups?.groups.every(isToken)) found.set(message.subject.slice(entrySubject(bucket, '').length), groups);
  }
  return found;
}
