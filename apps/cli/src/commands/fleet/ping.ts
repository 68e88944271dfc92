import { Failure } from '../../answer/answer.ts';
import { defineCommand, oneWord } from '../../call/command.ts';
import { secondsOption, withFleet } from './connect.ts';

/** How long a machine may take to answer, in ms. */
const answerMsDefault = 5_000;

export const ping = defineCommand({
  name: 'ping',
  summary: 'ask the agent of a machine for a sign of life',
  usage: 'PC',
  options: {
    timeout: { kind: 'count', value: 'SECONDS', help: 'how long the answer may take (default: 5)' },
  },
  examples: ['kanade fleet ping pc-042'],
  async run(options, words, context) {
    const pc = oneWord(words, 'PC');
    const timeoutMs = secondsOption('timeout', options.timeout) ?? answerMsDefault;
    return withFleet(context, async (connected) => {
      const agent = await connected.pingAgent(connected.fleet, pc, { timeoutMs, signal: context.io.signal });
      if (agent) return { type: 'fleet.ping', pc_id: pc, agent };
      throw new Failure('no_answer', `no agent answered; is it online under this id: ${pc}`, {
        retryable: true,
        details: { pc_id: pc },
      });
    });
  },
});
