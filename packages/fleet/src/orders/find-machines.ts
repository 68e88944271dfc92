import type { Target } from '@kanade/shared/fleet';
import { readMemberships } from '../config/membership.ts';
import type { Fleet } from '../connection/connect-fleet.ts';
import { translate } from '../fault/translate.ts';
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
    const members = await readMemberships(fleet, signal);
    return [...members].filter(([, { all }]) => all.some((name) => groups.includes(name))).map(([pc]) => pc);
  } catch (error) {
    throw translate(error, `reading who is in ${groups.join(', ')}`, signal);
  }
}
