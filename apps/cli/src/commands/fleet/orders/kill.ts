import { Failure } from '../../../answer/answer.ts';
import { defineCommand, oneWord, UsageError } from '../../../call/command.ts';
import { secondsOption, withFleet } from '../connect.ts';
import { orderNotFound } from './wait.ts';

/** How long machines may take to say that they have stopped a run, in ms: its grace between TERM and KILL, and the way back. */
const answerMsDefault = 15_000;

/** When all who are known to run it have answered, how long others may be silent, in ms. */
const quietMs = 500;

export const fleetKill = defineCommand({
  name: 'kill',
  summary: 'stop the runs of an order on every machine that is online, with their children, and say where',
  usage: 'EXEC_ID',
  waits: true,
  options: {
    timeout: { kind: 'count', value: 'SECONDS', help: 'how long machines may take to confirm (default: 15)' },
    'no-wait': { kind: 'flag', help: 'only tell the machines; nobody is asked whether a run has stopped' },
  },
  notes: [
    'Machines that are away do not hear it: "kanade fleet cancel EXEC_ID" keeps the order from those that have not got it, "kanade fleet revoke JOB" from those that have and not started it.',
  ],
  examples: ['kanade fleet kill 6f0f1a52-6c2e-4d36-9b8b-0f5c3a1d9e77'],
  async run(options, words, context) {
    const execId = oneWord(words, 'EXEC_ID');
    const waitMs = secondsOption('timeout', options.timeout) ?? answerMsDefault;
    if (options['no-wait'] && options.timeout !== undefined)
      throw new UsageError('--timeout and --no-wait exclude each other');
    const { io, onWaiting } = context;
    return withFleet(context, async ({ fleet, sendKill, stopOrder, audit }) => {
      if (options['no-wait']) {
        await sendKill(fleet, execId, { signal: io.signal });
        return { type: 'fleet.kill', exec_id: execId, ...(await audit({ action: 'kill', about: execId })) };
      }
      let count = 0;
      onWaiting?.({ what: `the end of ${execId}`, how: () => `${count} stopped` });
      const { order, stopped, unconfirmed, endedBefore } = await stopOrder(fleet, {
        execId,
        waitMs,
        quietMs,
        onStopped: ({ pc_id, ending }) => {
          count++;
          io.stderr(`${pc_id}: ${ending ?? 'ended'}\n`);
        },
        signal: io.signal,
      });
      const noted = await audit({ action: 'kill', about: execId, details: { stopped: stopped.length, unconfirmed } });
      const told = {
        exec_id: execId,
        stopped,
        ...(unconfirmed.length > 0 ? { unconfirmed } : {}),
        ended_before: endedBefore,
      };
      const seconds = waitMs / 1000;
      if (unconfirmed.length > 0) {
        const message = `not confirmed within ${seconds} s, so it may still run there: ${unconfirmed.join(', ')}`;
        throw new Failure('not_confirmed', message, { retryable: true, details: told });
      }
      if (stopped.length > 0 || endedBefore > 0) return { type: 'fleet.kill', ...told, ...noted };
      if (!order) throw orderNotFound(execId);
      const message = `no machine said within ${seconds} s that it stopped a run of ${execId}: those it is for are away or have not got it; "kanade fleet cancel ${execId}" keeps it from them`;
      throw new Failure('no_answer', message, { retryable: true, details: { exec_id: execId } });
    });
  },
});
