import type { Jobs } from '@kanade/runner';
import type { Answer } from '../call/command.ts';

/** Replaces the tags of a job; they were checked. `id` is one, or the beginning of one. Throws `JobError`. */
export async function answerTagSet(jobs: Jobs, id: string, tags: readonly string[]): Promise<Answer> {
  const job = jobs.find(id);
  const meta = await jobs.edit(job, (known) => ({ ...known, tags: [...new Set(tags)] }));
  return { type: 'tag_set', job_id: job.id, tags: meta.tags };
}
