import { defineCommand, oneWord } from '../../../call/command.ts';
import { withFleet } from '../connect.ts';
import { orderNotFound } from './wait.ts';

export const cancel = defineCommand({
  name: 'cancel',
  summary: 'take an order back from machines that have not come to it yet; runs that have begun go on (see kill)',
  usage: 'EXEC_ID',
  options: {},
  examples: ['kanade fleet cancel 6f0f1a52-6c2e-4d36-9b8b-0f5c3a1d9e77'],
  async run(_options, words, context) {
    const execId = oneWord(words, 'EXEC_ID');
    const { signal } = context.io;
    return withFleet(context, async ({ fleet, findOrder, cancelOrder, audit }) => {
      const order = await findOrder(fleet, execId, { signal });
      if (!order) throw orderNotFound(execId);
      const { withdrawn, reached } = await cancelOrder(fleet, order, { signal });
      const noted = await audit({ action: 'cancel', about: execId, details: { withdrawn } });
      const told = { exec_id: execId, job_id: order.jobId, count: withdrawn.length, withdrawn, reached };
      return { type: 'fleet.cancel', ...told, ...noted };
    });
  },
});
