import { isTagFilter, type JobState, jobStates } from '@kanade/shared/job-words';
import { type Answer, type Context, defineCommand, noWords, type Options, UsageError } from '../../call/command.ts';
import { answerList, listLimit } from '../../door/list.ts';
import { jobsOf } from '../../local/observation.ts';
import { canonical } from '../../local/settings.ts';

const states: readonly string[] = [...jobStates, 'unknown'];

const shared = {
  limit: { kind: 'count', value: 'N', help: `most jobs shown, 0 = all (default ${listLimit})` },
  cwd: { kind: 'text', value: 'PATH', help: 'jobs of this working directory (default: the current one)' },
  all: { kind: 'flag', help: 'jobs of every working directory' },
  tag: { kind: 'texts', value: 'TAG', help: 'only jobs with this tag; prefix.* matches a family; repeatable' },
} as const;

export const list = defineCommand({
  name: 'list',
  summary: 'the jobs of this directory, newest first',
  usage: '',
  options: {
    ...shared,
    tree: { kind: 'flag', help: 'below each job those that wait for it, or waited' },
    state: { kind: 'text', value: 'STATE', values: states, help: `only this state: ${states.join(', ')}` },
  },
  examples: [
    'kanade list',
    'kanade list --all --state running',
    'kanade list --all --tree',
    "kanade list --tag 'build.*'",
  ],
  run(given, words, context) {
    if (given.state !== undefined && !states.includes(given.state)) {
      throw new UsageError(`unknown state ${JSON.stringify(given.state)}: one of ${states.join(', ')}`);
    }
    return listed(given, words, context);
  },
});

export const ps = defineCommand({
  name: 'ps',
  summary: 'the running jobs of this directory',
  usage: '',
  options: shared,
  examples: ['kanade ps --all'],
  run: (given, words, context) => listed({ ...given, state: 'running' }, words, context),
});

function listed(
  given: Options<typeof shared> & { state?: string | undefined; tree?: boolean | undefined },
  words: readonly string[],
  context: Context,
): Answer {
  noWords(words);
  if (given.all && given.cwd !== undefined) throw new UsageError('--all and --cwd exclude each other');
  for (const tag of given.tag) {
    if (!isTagFilter(tag)) throw new UsageError(`not a tag or a tag filter: ${JSON.stringify(tag)}`);
  }
  const filter = {
    tags: given.tag,
    ...(given.limit === undefined ? {} : { limit: given.limit }),
    ...(given.all ? {} : { cwd: canonical(given.cwd ?? context.cwd) }),
    ...(given.state === undefined ? {} : { state: given.state as JobState }),
  };
  return answerList(jobsOf(context), filter, { trees: given.tree === true });
}
