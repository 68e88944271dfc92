import { resolve } from 'node:path';
import { defineCommand, UsageError } from '../../call/command.ts';
import { turnOf } from '../../door/turn.ts';
import { checkDefinition, definitionOf, definitionOptions, inputRule, limitsOf } from '../../local/definition.ts';
import {
  checkObservation,
  collect,
  jobsOf,
  observationOptions,
  observeAndAnswer,
  prepareCollection,
} from '../../local/observation.ts';
import { turnRule } from '../../local/turn.ts';

export const run = defineCommand({
  name: 'run',
  summary: 'start a job, observe it for a while, answer',
  usage: '[--] COMMAND [ARGS...]',
  waits: true,
  options: {
    ...definitionOptions,
    ...observationOptions,
    log: { kind: 'text', value: 'PATH', help: 'another place for the combined log' },
  },
  stopAtWord: true,
  notes: [inputRule, turnRule],
  examples: [
    'kanade run -- make test',
    'kanade run --timeout 600 --tag build.web -- npm run build',
    'kanade run --until 60 --env CI=1 -- make test',
    'kanade run --no-wait --tag server -- python3 -m http.server 0 --bind 127.0.0.1',
    'kanade run --no-wait --queue build -- make all',
    'kanade run --after 3f2a9c1 -- make install',
    "kanade run 'for i in 1 2 3; do echo $i; done'",
  ],
  async run(given, words, context) {
    if (words.length === 0) throw new UsageError(`COMMAND is missing: ${context.program} run -- COMMAND [ARGS...]`);
    checkDefinition(given);
    checkObservation(given);
    const config = await prepareCollection(given, context, given.config);
    const { definition: defined, notTaken } = await definitionOf({
      given,
      command: words,
      config,
      context,
      implicitStdin: true,
    });
    const jobs = jobsOf(context, limitsOf(config));
    const log = given.log === undefined ? {} : { fullLog: resolve(given.log) };
    const definition = { ...defined, ...log, ...turnOf({ ...given, afterAny: given['after-any'] }, jobs) };
    const launched = jobs.launch(definition);
    const answer = await observeAndAnswer({ type: 'run', given, jobs, launched, context, config });
    collect(given, config, { io: context.io, jobs });
    return notTaken === undefined ? answer : { ...answer, stdin: notTaken };
  },
});
