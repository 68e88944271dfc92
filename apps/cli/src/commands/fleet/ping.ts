import { ping as pingAgent } from '@kanade/fleet';
import { defineFleetCommand } from '../../fleet/command.ts';
import { Failure } from './failure.ts';
import { oneWord, secondsOption } from './words.ts';

/** How long a machine may take to answer, in ms. */
const answerMsDefault = 5_000;

export const ping = defineFleetCommand({
  name: 'ping',
  summary: 'ask the agent of a machine for a sign of life',
  usage: 'PC',
  options: {
    timeout: { kind: 'count', value: 'SECONDS', help: 'how long the answer may take (default: 5)' },
  },
  examples: ['kanade fleet ping pc-042'],
  plan(options, words) {
    const pc = oneWord(words, 'PC');
    const timeoutMs = secondsOption('timeout', options.timeout) ?? answerMsDefault;
    return ({ io, withFleet }) =>
      withFleet(async (fleet) => {
        const agent = await pingAgent(fleet, pc, { timeoutMs, signal: io.signal });
        if (agent) return { type: 'fleet.ping', pc_id: pc, agent };
        throw new Failure('no_answer', `no agent answered; is it online under this id: ${pc}`, {
          retryable: true,
          details: { pc_id: pc },
        });
      });
  },
});
