import type { Jobs, ListedJob, ListedJobs, ListFilter } from '@kanade/runner';
import { shortJobId } from '@kanade/shared/job-words';
import type { Answer } from '../call/command.ts';
import { exitCodeField } from './ending.ts';
import { asTrees } from './tree.ts';
import { turnFields } from './turn.ts';

/** Jobs shown by default (contract, section 3.9). */
export const listLimit = 50;

/** The jobs of a root that pass a filter, newest first; as trees, below each job those that wait for it. */
export function answerList(jobs: Jobs, filter: Partial<ListFilter>, { trees = false } = {}): Answer {
  return answerOf(jobs.root, jobs.list({ limit: listLimit, ...filter }), trees);
}

/** The same for a door that has others to answer meanwhile. */
export const answerListInTurns = async (
  jobs: Jobs,
  filter: Partial<ListFilter>,
  signal: AbortSignal,
): Promise<Answer> => answerOf(jobs.root, await jobs.listInTurns({ limit: listLimit, ...filter }, signal), false);

function answerOf(root: string, { jobs: listed, truncated, skipped }: ListedJobs, trees: boolean): Answer {
  return {
    type: 'list',
    root,
    jobs: trees ? asTrees(listed.map(entryOf)) : listed.map(entryOf),
    truncated,
    skipped,
  };
}

function entryOf({ meta, view, place }: ListedJob) {
  const { state } = view;
  return {
    job_id: view.job.id,
    short_job_id: shortJobId(view.job.id),
    state: view.status,
    command: meta.command,
    ...exitCodeField(view),
    created_at: meta.created_at,
    ...(state?.job.started_at ? { started_at: state.job.started_at } : {}),
    ...(state?.finished_at ? { finished_at: state.finished_at } : {}),
    ...(state ? { updated_at: state.updated_at } : {}),
    tags: meta.tags,
    ...turnFields(meta, place),
  };
}
