import { JobError, limits } from '@kanade/runner';
import { defineCommand, oneWord } from '../../call/command.ts';
import { exitCodeField, jobsOf, reasonOf } from '../../local/observation.ts';

export const status = defineCommand({
  name: 'status',
  summary: 'where a job stands',
  usage: 'JOB_ID',
  options: {},
  examples: ['kanade status 3f2a9c1'],
  run(_options, words, context) {
    const jobs = jobsOf(context);
    const view = jobs.describe(jobs.find(oneWord(words, 'JOB_ID')));
    const { job, meta, omitted, leftRunning } = view;
    if (!meta) throw new JobError('internal_error', `job ${job.id} has no readable meta.json: nothing is known of it`);
    return {
      type: 'status',
      job_id: job.id,
      state: view.status,
      ...exitCodeField(view),
      created_at: meta.created_at,
      ...(view.state?.job.started_at ? { started_at: view.state.job.started_at } : {}),
      ...(view.state?.finished_at ? { finished_at: view.state.finished_at } : {}),
      ...reasonOf(view),
      ...(leftRunning.length > 0 ? { left_running: leftRunning } : {}),
      log_bytes: view.logBytes,
      log_bytes_max: meta.log_bytes_max ?? limits.logBytes,
      ...(omitted ? { log_omitted: omitted } : {}),
    };
  },
});
