import { JobError } from '@kanade/runner';
import { defineCommand, oneWord, UsageError } from '../../call/command.ts';
import {
  deadlineMs,
  endingFields,
  excerptBytes,
  exitCodeField,
  exitCodeOption,
  jobsOf,
  reasonOf,
  tailLines,
  tailsOf,
  waitingFor,
} from '../../local/observation.ts';

/** Seconds that `wait` waits by default (contract, section 3.7). */
const untilDefault = 30;

export const wait = defineCommand({
  name: 'wait',
  summary: 'wait for the end of a job',
  usage: 'JOB_ID',
  waits: true,
  options: {
    until: { kind: 'count', value: 'N', help: `give up after N seconds (default ${untilDefault})` },
    forever: { kind: 'flag', help: 'never give up' },
    ...exitCodeOption,
    poll: { kind: 'count', value: 'N', help: 'accepted for older callers: waiting is watching, not polling' },
  },
  examples: ['kanade wait 3f2a9c1', 'kanade wait --until 600 3f2a9c1'],
  async run(options, words, context) {
    const { io, onWaiting, tellsEnding } = context;
    if (options.forever && options.until !== undefined)
      throw new UsageError('--until and --forever exclude each other');
    const jobs = jobsOf(context);
    const job = jobs.find(oneWord(words, 'JOB_ID'));
    onWaiting?.(waitingFor(jobs, job));
    const timeoutMs = options.forever ? undefined : deadlineMs(options.until ?? untilDefault);
    const view = await jobs.wait(job, { signal: io.signal, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
    if (!view.state)
      throw new JobError('internal_error', `job ${job.id} has no readable state.json: nothing to wait for`);
    return {
      type: 'wait',
      job_id: job.id,
      state: view.status,
      ...(tellsEnding ? endingFields(view) : { ...exitCodeField(view), ...reasonOf(view) }),
      ...tailsOf(jobs, job, excerptBytes, tailLines),
      updated_at: view.state.updated_at,
    };
  },
});
