import { findJob, JobError, limits, readMeta, readOmitted, settle } from '@kanade/runner';
import { defineCommand, oneWord } from '../../call/command.ts';
import { exitCodeOf, logBytesOf, reasonOf } from '../../local/view.ts';

export const status = defineCommand({
  name: 'status',
  summary: 'where a job stands',
  usage: 'JOB_ID',
  options: {},
  examples: ['kanade status 3f2a9c1'],
  run(_options, words, { root }) {
    const job = findJob(root, oneWord(words, 'JOB_ID'));
    const view = settle(job);
    const meta = readMeta(job);
    if (!meta) throw new JobError('internal_error', `job ${job.id} has no readable meta.json: nothing is known of it`);
    const omitted = readOmitted(job);
    return {
      type: 'status',
      job_id: job.id,
      state: view.status,
      ...exitCodeOf(view),
      created_at: meta.created_at,
      ...(view.state?.job.started_at ? { started_at: view.state.job.started_at } : {}),
      ...(view.state?.finished_at ? { finished_at: view.state.finished_at } : {}),
      ...reasonOf(view),
      log_bytes: logBytesOf(job),
      log_bytes_max: meta.log_bytes_max ?? limits.logBytes,
      ...(omitted ? { log_omitted: omitted } : {}),
    };
  },
});
