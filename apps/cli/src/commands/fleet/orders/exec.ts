import { defineCommand, oneWord, UsageError } from '../../../call/command.ts';
import { secondsOption, withFleet } from '../connect.ts';
import { keyOption, signatureOf, signerFor } from '../key/signing.ts';
import { askedRetry, retryOptions } from './retry-option.ts';
import { targetOptions, targetsOf } from './targets.ts';
import { checkWaitOptions, orderedAnswer, waitAndAnswer, waitOptions } from './wait-answer.ts';

export const exec = defineCommand({
  name: 'exec',
  summary: 'order a job on machines, groups or all machines',
  usage: 'JOB',
  waits: true,
  options: {
    ...targetOptions,
    wait: {
      kind: 'flag',
      help: 'wait until every machine has answered that was named, and of groups and all machines every one that is online',
    },
    ...waitOptions,
    timeout: { kind: 'count', value: 'SECONDS', help: 'how long each run may take (default: what the job says)' },
    ...retryOptions,
    jitter: { kind: 'count', value: 'SECONDS', help: 'each machine waits a random part of this before it starts' },
    ...keyOption,
    deadline: {
      kind: 'count',
      value: 'SECONDS',
      help: 'machines that come to it later do not start it (default: 7 days)',
    },
  },
  notes: ['A wait that was interrupted goes on with "kanade fleet wait EXEC_ID".'],
  examples: [
    'kanade fleet exec disk-report --pc pc-042 --wait --follow',
    'kanade fleet exec disk-report --pc pc-042,pc-043 --group lab --jitter 60 --deadline 3600',
    'kanade fleet exec disk-report --all --retry 3 --backoff 5m',
  ],
  async run(options, words, context) {
    const jobId = oneWord(words, 'JOB');
    const targets = targetsOf(options);
    if (!options.wait) checkWaitOptions(options);
    else secondsOption('until', options.until);
    const timeoutMs = secondsOption('timeout', options.timeout);
    const jitterMs = secondsOption('jitter', options.jitter);
    const retry = askedRetry(options);
    const inMs = secondsOption('deadline', options.deadline);
    if (jitterMs !== undefined && inMs !== undefined && jitterMs >= inMs)
      throw new UsageError('option --jitter must be shorter than --deadline: some machines would never start');
    const deadlineMs = inMs === undefined ? undefined : Date.now() + inMs;
    const { io } = context;
    const signer = await signerFor(context, options.key);
    return withFleet(context, async (connected) => {
      const { fleet, sendOrder, audit } = connected;
      const asked = { jobId, targets, timeoutMs, jitterMs, retry, deadlineMs, signer, signal: io.signal };
      const order = await sendOrder(fleet, asked);
      io.stderr(`ordered ${jobId} ${order.version} on ${order.subjects.join(', ')}: ${order.execId}\n`);
      const signature = signatureOf(order, context);
      const noted = { ...signature, ...(await audit({ action: 'exec', order, details: signature })) };
      if (!options.wait) return { ...orderedAnswer('fleet.exec', order), ...noted };
      const wait = { type: 'fleet.exec', order, until: options.until, follow: options.follow };
      return { ...(await waitAndAnswer(connected, wait, context)), ...noted };
    });
  },
});
