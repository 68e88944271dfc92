import { Failure } from '../../answer/answer.ts';
import { defineCommand, oneWord, UsageError } from '../../call/command.ts';
import { secondsOption, withFleet } from './connect.ts';

/** How long the first machine may take to say that it has stopped a run, in ms: its grace between TERM and KILL, and the way back. */
const answerMsDefault = 15_000;

/** When machines have answered and no further one does for so long, in ms, all have. */
const quietMs = 2_000;

export const fleetKill = defineCommand({
  name: 'kill',
  summary: 'stop the runs of an order on every machine that is online, with their children, and say where',
  usage: 'EXEC_ID',
  waits: true,
  options: {
    timeout: { kind: 'count', value: 'SECONDS', help: 'how long the first ending may take (default: 15)' },
    'no-wait': { kind: 'flag', help: 'only tell the machines; nobody is asked whether a run has stopped' },
  },
  examples: ['kanade fleet kill 6f0f1a52-6c2e-4d36-9b8b-0f5c3a1d9e77'],
  async run(options, words, context) {
    const execId = oneWord(words, 'EXEC_ID');
    const waitMs = secondsOption('timeout', options.timeout) ?? answerMsDefault;
    if (options['no-wait'] && options.timeout !== undefined)
      throw new UsageError('--timeout and --no-wait exclude each other');
    const { io, onWaiting } = context;
    return withFleet(context, async ({ fleet, sendKill, killAndHear }) => {
      if (options['no-wait']) {
        await sendKill(fleet, execId, { signal: io.signal });
        return { type: 'fleet.kill', exec_id: execId };
      }
      let count = 0;
      onWaiting?.({ what: `the end of ${execId}`, how: () => `${count} stopped` });
      const stopped = await killAndHear(fleet, {
        execId,
        waitMs,
        quietMs,
        onEnding: ({ pc_id, ending }) => {
          count++;
          io.stderr(`${pc_id}: ${ending ?? 'ended'}\n`);
        },
        signal: io.signal,
      });
      if (stopped.length > 0) return { type: 'fleet.kill', exec_id: execId, stopped };
      const message = `no machine said within ${waitMs / 1000} s that it stopped a run of ${execId}: the id is unknown or has ended, or its machines are away`;
      throw new Failure('no_answer', message, { retryable: true, details: { exec_id: execId } });
    });
  },
});
