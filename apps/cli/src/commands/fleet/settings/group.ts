import { defineCommand, noWords, oneWord, UsageError } from '../../../call/command.ts';
import { withFleet } from '../connect.ts';

export const groupAdd = defineCommand({
  name: 'group add',
  summary: 'put machines into a group; orders for it are theirs at once',
  usage: 'NAME PC...',
  options: {},
  examples: ['kanade fleet group add lab pc-042 pc-043'],
  async run(_options, words, context) {
    const [group, pcs] = groupAndMachines(words);
    const { io } = context;
    return withFleet(context, async ({ fleet, addToGroup, audit }) => {
      const { added, already, unheard } = await addToGroup(fleet, group, { pcs, signal: io.signal });
      if (unheard.length > 0)
        io.stderr(`nobody has heard of ${unheard.join(', ')} yet: in ${group} as soon as they come\n`);
      const noted = await audit({ action: 'group.add', about: group, details: { added, already } });
      return { type: 'fleet.group.add', group, added, already, unheard, ...noted };
    });
  },
});

export const groupRemove = defineCommand({
  name: 'group remove',
  summary: 'take machines out of a group; orders for it that wait are not theirs any more',
  usage: 'NAME PC...',
  options: {},
  examples: ['kanade fleet group remove lab pc-042'],
  async run(_options, words, context) {
    const [group, pcs] = groupAndMachines(words);
    const { signal } = context.io;
    return withFleet(context, async ({ fleet, removeFromGroup, audit }) => {
      const { removed, absent, stillIn: still_in } = await removeFromGroup(fleet, group, { pcs, signal });
      const noted = await audit({ action: 'group.remove', about: group, details: { removed, absent } });
      return { type: 'fleet.group.remove', group, removed, absent, still_in, ...noted };
    });
  },
});

export const groupList = defineCommand({
  name: 'group list',
  summary: 'show all groups, and how many machines are in each',
  usage: '',
  options: {},
  examples: ['kanade fleet group list'],
  async run(_options, words, context) {
    noWords(words);
    return withFleet(context, async ({ fleet, listGroups }) => ({
      type: 'fleet.group.list',
      groups: await listGroups(fleet, { signal: context.io.signal }),
    }));
  },
});

export const groupShow = defineCommand({
  name: 'group show',
  summary: 'show who is in a group: put there by an operator, or derived',
  usage: 'NAME',
  options: {},
  examples: ['kanade fleet group show lab'],
  async run(_options, words, context) {
    const group = oneWord(words, 'NAME');
    return withFleet(context, async ({ fleet, readGroup }) => {
      const members = await readGroup(fleet, group, { signal: context.io.signal });
      const machines = members.map(({ pc, given, derived }) => ({ pc_id: pc, given, derived }));
      return { type: 'fleet.group.show', group, machines };
    });
  },
});

/** Most machines of one call. */
const machinesMax = 10_000;

function groupAndMachines([group, ...rest]: readonly string[]): [group: string, pcs: string[]] {
  if (group === undefined) throw new UsageError('NAME is missing');
  const pcs = [...new Set(rest.flatMap((word) => word.split(',')))];
  if (pcs.length === 0) throw new UsageError('PC is missing: name at least one machine');
  if (pcs.includes('')) throw new UsageError('a PC without a name');
  if (pcs.length > machinesMax) throw new UsageError(`at most ${machinesMax} machines in one call: ${pcs.length}`);
  return [group, pcs];
}
