import { Failure } from '../../../answer/answer.ts';
import { defineCommand, oneWord } from '../../../call/command.ts';
import { secondsOption, withFleet } from '../connect.ts';
import { waitAndAnswer, waitOptions } from './wait-answer.ts';

export const fleetWait = defineCommand({
  name: 'wait',
  summary: 'wait for the results of an order, those that came before included',
  usage: 'EXEC_ID',
  waits: true,
  options: waitOptions,
  examples: ['kanade fleet wait 6f0f1a52-6c2e-4d36-9b8b-0f5c3a1d9e77'],
  async run({ until, follow }, words, context) {
    const execId = oneWord(words, 'EXEC_ID');
    secondsOption('until', until);
    return withFleet(context, async (connected) => {
      const order = await connected.findOrder(connected.fleet, execId, { signal: context.io.signal });
      if (!order) throw orderNotFound(execId);
      return waitAndAnswer(connected, { type: 'fleet.wait', order, until, follow }, context);
    });
  },
});

export const orderNotFound = (execId: string): Failure =>
  new Failure('order_not_found', `the broker knows of no order with this exec id: ${execId}`, {
    details: { exec_id: execId },
  });
