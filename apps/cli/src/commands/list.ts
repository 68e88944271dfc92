import { realpathSync } from 'node:fs';
import { type ListedJob, listJobs } from '@kanade/runner';
import { isTagFilter, type JobState, jobStates, shortJobId } from '@kanade/shared/job';
import { UsageError } from '../arguments.ts';
import { defineCommand } from '../command.ts';
import { exitCodeOf } from '../view.ts';

/** Jobs shown by default (contract, section 3.9). */
const limitDefault = 50;

const states: readonly string[] = [...jobStates, 'unknown'];

export const list = defineCommand({
  name: 'list',
  summary: 'the jobs of this directory, newest first',
  usage: '',
  options: {
    limit: { kind: 'count', value: 'N', help: `most jobs shown, 0 = all (default ${limitDefault})` },
    state: { kind: 'text', value: 'STATE', help: `only this state: ${states.join(', ')}` },
    cwd: { kind: 'text', value: 'PATH', help: 'jobs of this working directory (default: the current one)' },
    all: { kind: 'flag', help: 'jobs of every working directory' },
    tag: { kind: 'texts', value: 'TAG', help: 'only jobs with this tag; prefix.* matches a family; repeatable' },
  },
  examples: ['kanade list', 'kanade list --all --state running', 'kanade list --tag build.*'],
  run(options, words, { root, cwd }) {
    if (words.length > 0) throw new UsageError(`unexpected word ${JSON.stringify(words[0])}`);
    if (options.all && options.cwd !== undefined) throw new UsageError('--all and --cwd exclude each other');
    if (options.state !== undefined && !states.includes(options.state)) {
      throw new UsageError(`unknown state ${JSON.stringify(options.state)}: one of ${states.join(', ')}`);
    }
    for (const tag of options.tag)
      if (!isTagFilter(tag)) throw new UsageError(`not a tag or a tag filter: ${JSON.stringify(tag)}`);
    const { jobs, truncated, skipped } = listJobs(root, {
      limit: options.limit ?? limitDefault,
      tags: options.tag,
      ...(options.all ? {} : { cwd: canonical(options.cwd ?? cwd) }),
      ...(options.state === undefined ? {} : { state: options.state as JobState }),
    });
    return { type: 'list', root, jobs: jobs.map(entryOf), truncated, skipped };
  },
});

function entryOf({ meta, view }: ListedJob): Record<string, unknown> {
  const { state } = view;
  return {
    job_id: view.job.id,
    short_job_id: shortJobId(view.job.id),
    state: view.status,
    command: meta.command,
    ...exitCodeOf(view),
    created_at: meta.created_at,
    ...(state?.job.started_at ? { started_at: state.job.started_at } : {}),
    ...(state?.finished_at ? { finished_at: state.finished_at } : {}),
    ...(state ? { updated_at: state.updated_at } : {}),
    tags: meta.tags,
  };
}

/** The path as jobs store it; a directory that is gone is compared as it was typed. */
function canonical(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
