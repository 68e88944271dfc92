import { JobError, type Jobs, limits } from '@kanade/runner';
import type { Answer } from '../call/command.ts';
import { exitCodeField, reasonOf } from './ending.ts';
import { turnFields } from './turn.ts';

/** Where a job stands. `id` is one, or the beginning of one. Throws `JobError`. */
export function answerStatus(jobs: Jobs, id: string): Answer {
  const view = jobs.describe(jobs.find(id));
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
    ...turnFields(meta, view.place),
    ...(leftRunning.length > 0 ? { left_running: leftRunning } : {}),
    log_bytes: view.logBytes,
    log_bytes_max: meta.log_bytes_max ?? limits.logBytes,
    ...(omitted ? { log_omitted: omitted } : {}),
  };
}
