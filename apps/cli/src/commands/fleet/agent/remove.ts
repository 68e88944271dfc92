import { defineCommand, oneWord } from '../../../call/command.ts';
import { withFleet } from '../connect.ts';

export const agentRemove = defineCommand({
  name: 'agent remove',
  summary: 'take a published release away, which makes room for others on the broker',
  usage: 'VERSION',
  options: {},
  notes: [
    'Refused while a rollout says that machines are to run it. Machines that run it need nothing of it, and the one before it is kept by each machine until the new one has proved itself.',
  ],
  examples: ['kanade fleet agent remove 1.3.0'],
  async run(_options, words, context) {
    const version = oneWord(words, 'VERSION');
    return withFleet(context, async ({ fleet, removeRelease, audit }) => {
      const { platforms, bytes } = await removeRelease(fleet, version, { signal: context.io.signal });
      const noted = await audit({ action: 'agent.remove', about: version, details: { platforms, bytes } });
      return { type: 'fleet.agent.remove', version, platforms, bytes, ...noted };
    });
  },
});
