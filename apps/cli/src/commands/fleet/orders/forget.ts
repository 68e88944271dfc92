import { defineCommand, oneWord } from '../../../call/command.ts';
import { withFleet } from '../connect.ts';

export const fleetForget = defineCommand({
  name: 'forget',
  summary:
    'forget a machine that is gone: its groups, and all orders for it alone; whoever comes under its id later is a new one',
  usage: 'PC',
  options: {},
  examples: ['kanade fleet forget pc-1'],
  async run(_options, words, context) {
    const pc = oneWord(words, 'PC');
    return withFleet(context, async ({ fleet, forgetMachine, audit }) => {
      const { withdrawn, wasGrouped } = await forgetMachine(fleet, pc, { signal: context.io.signal });
      const noted = await audit({ action: 'forget', about: pc, details: { withdrawn, was_grouped: wasGrouped } });
      return { type: 'fleet.forget', pc_id: pc, withdrawn, was_grouped: wasGrouped, ...noted };
    });
  },
});
