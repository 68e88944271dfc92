import { pathOf } from '@kanade/runner';
import { defineCommand, UsageError } from '../../call/command.ts';
import { turnFields, turnOf } from '../../door/turn.ts';
import { checkDefinition, createInputRule, definitionOf, definitionOptions, limitsOf } from '../../local/definition.ts';
import { jobsOf } from '../../local/observation.ts';
import { readConfig } from '../../local/settings.ts';
import { turnRule } from '../../local/turn.ts';

export const create = defineCommand({
  name: 'create',
  summary: 'define a job without starting it',
  usage: '[--] COMMAND [ARGS...]',
  options: definitionOptions,
  stopAtWord: true,
  notes: [createInputRule, turnRule],
  examples: ['kanade create --tag nightly -- make release', 'kanade create --queue build -- make release'],
  async run(given, words, context) {
    if (words.length === 0) throw new UsageError(`COMMAND is missing: ${context.program} create -- COMMAND [ARGS...]`);
    checkDefinition(given);
    const config = await readConfig(context.io.env, given.config);
    const { definition } = await definitionOf({ given, command: words, config, context, implicitStdin: false });
    const jobs = jobsOf(context, limitsOf(config));
    const turn = turnOf({ ...given, afterAny: given['after-any'] }, jobs);
    const job = jobs.create({ ...definition, ...turn });
    return {
      type: 'create',
      job_id: job.id,
      state: 'created',
      stdout_log_path: pathOf(job, 'stdout'),
      stderr_log_path: pathOf(job, 'stderr'),
      ...turnFields(turn, undefined),
    };
  },
});
