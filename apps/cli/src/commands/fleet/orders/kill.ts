import type { OrderLook, StoppedOrder, StoppedRun } from '@kanade/fleet';
import { Failure } from '../../../answer/answer.ts';
import { printable } from '../../../answer/ink.ts';
import { type Answer, type Context, defineCommand, oneWord, UsageError } from '../../../call/command.ts';
import { type Connected, secondsOption, withFleet } from '../connect.ts';
import { orderNotFound } from './wait.ts';

/** How long machines may take to say that they have stopped a run, in ms: its grace between TERM and KILL, and the way back. */
const answerMsDefault = 15_000;

/** When all who are known to run it have answered, how long others may be silent, in ms. */
const quietMs = 500;

export const fleetKill = defineCommand({
  name: 'kill',
  summary: 'stop the runs of an order on every machine that is online, or one run, with their children, and say where',
  usage: 'EXEC_ID|RUN_ID',
  waits: true,
  options: {
    pc: { kind: 'text', value: 'ID', help: 'the machine of RUN_ID: needed for a run that a person there has started' },
    timeout: { kind: 'count', value: 'SECONDS', help: 'how long machines may take to confirm (default: 15)' },
    'no-wait': { kind: 'flag', help: 'only tell the machines; nobody is asked whether a run has stopped' },
  },
  notes: [
    'Machines that are away do not hear it: "kanade fleet cancel EXEC_ID" keeps the order from those that have not got it, "kanade fleet revoke JOB" from those that have and not started it.',
  ],
  examples: [
    'kanade fleet kill 6f0f1a52-6c2e-4d36-9b8b-0f5c3a1d9e77',
    'kanade fleet kill 0d9c41f7-7f0a-4b0e-9d7e-2f6b1c55a8d1 --pc pc-042',
  ],
  async run(options, words, context) {
    const execId = oneWord(words, 'EXEC_ID');
    const waitMs = secondsOption('timeout', options.timeout) ?? answerMsDefault;
    if (options['no-wait'] && options.timeout !== undefined)
      throw new UsageError('--timeout and --no-wait exclude each other');
    return withFleet(context, async (connected) => {
      const { fleet, sendKill, audit } = connected;
      if (!options['no-wait']) return stopAndAnswer(connected, { execId, waitMs, pc: options.pc }, context);
      await sendKill(fleet, execId, { signal: context.io.signal });
      return { type: 'fleet.kill', exec_id: execId, ...(await audit({ action: 'kill', about: execId })) };
    });
  },
});

interface Stop {
  readonly execId: string;
  readonly pc: string | undefined;
  readonly waitMs: number;
}

async function stopAndAnswer(connected: Connected, stop: Stop, { io, onWaiting }: Context): Promise<Answer> {
  const { fleet, stopOrder, audit } = connected;
  const { execId } = stop;
  const told: { isSent: boolean; stopped: StoppedRun[] } = { isSent: false, stopped: [] };
  const record = (details: object) =>
    audit({ action: 'kill', about: execId, details: { stopped: told.stopped.length, ...details } });
  onWaiting?.({ what: `the end of ${execId}`, how: () => `${told.stopped.length} stopped` });
  const asked = {
    onSent: () => {
      told.isSent = true;
    },
    onStopped: (run: StoppedRun) => {
      told.stopped.push(run);
      io.stderr(`${run.pc_id}: ${run.ending ?? 'ended'}${leftBy(run)}\n`);
    },
    onUnknown: (what: OrderLook) => io.stderr(`the broker does not let this user look up ${looks[what]}\n`),
  };
  try {
    const outcome = await stopOrder(fleet, { ...stop, quietMs, ...asked, signal: io.signal });
    const { unconfirmed } = outcome;
    return answerOf(outcome, { ...stop, noted: await record({ unconfirmed }) });
  } catch (error) {
    if (!told.isSent || error instanceof Failure) throw error;
    // Machines have heard it, whatever came after.
    await record({ interrupted: true });
    if (!io.signal.aborted || error !== io.signal.reason) throw error;
    const message = `${(error as Error).message}; the stop order has gone out, and ${told.stopped.length} runs were confirmed before`;
    const details = { exec_id: execId, stopped: told.stopped };
    throw new Failure('interrupted', message, { retryable: true, details, cause: error });
  }
}

function leftBy({ stop }: StoppedRun): string {
  if (!stop || stop.survivors.length === 0) return '';
  return `; still alive: ${stop.survivors.map(({ pid, name }) => `${pid} ${printable(name)}`).join(', ')}`;
}

/** What of an order may be looked up, in words. */
const looks: Readonly<Record<OrderLook, string>> = {
  order: 'whom the order is for: machines are told to stop it all the same',
  begun: 'where it runs: who confirms is told, who else runs it is unknown',
  ended: 'where it has ended before',
};

function answerOf(
  { order, stopped, unconfirmed, endedBefore, unknown }: StoppedOrder,
  { execId, waitMs, noted }: Stop & { readonly noted: object },
): Answer {
  const seconds = waitMs / 1000;
  const told = {
    exec_id: execId,
    stopped,
    ...(unconfirmed.length > 0 ? { unconfirmed } : {}),
    ended_before: endedBefore,
    ...(unknown.length > 0 ? { unknown } : {}),
  };
  if (unconfirmed.length > 0) {
    const message = `not confirmed within ${seconds} s, so it may still run there: ${unconfirmed.join(', ')}`;
    throw new Failure('not_confirmed', message, { retryable: true, details: told });
  }
  if (stopped.length > 0 || endedBefore > 0) return { type: 'fleet.kill', ...told, ...noted };
  if (!order && !unknown.includes('order')) throw orderNotFound(execId);
  const why =
    unknown.length > 0
      ? 'whether one runs it is unknown, because the broker does not let this user look that up'
      : `those it is for are away or have not got it; "kanade fleet cancel ${execId}" keeps it from them`;
  const message = `no machine said within ${seconds} s that it stopped a run of ${execId}: ${why}`;
  throw new Failure('no_answer', message, { retryable: true, details: told });
}
