import { realpathSync } from 'node:fs';
import {
  type JobDefinition,
  type LaunchedJob,
  launchJob,
  limits,
  maskedPairs,
  observeStart,
  pathOf,
  settle,
} from '@kanade/runner';
import { ensureHost, markForCare } from '@kanade/runner/host';
import { selfCommand } from '@kanade/runner/process';
import { isTag, isTerminal } from '@kanade/shared/job';
import { type Options, UsageError } from '../arguments.ts';
import { type Answer, type Context, defineCommand } from '../command.ts';
import { endingOf, excerptBytes, headsOf } from '../view.ts';
import { readJobInput } from './stdin.ts';

/** Seconds that `run` observes by default (contract, section 3.2). */
const untilDefault = 10;

/** A job that has printed something and then nothing for so long, in ms, is answered for while it runs on. */
const quietMs = 1_000;

const definitionOptions = {
  timeout: { kind: 'count', value: 'N', help: 'stop the job after N seconds, 0 = never (default 0)' },
  'kill-after': { kind: 'count', value: 'N', help: 'seconds between TERM and KILL after the timeout (default 0)' },
  cwd: { kind: 'text', value: 'PATH', help: 'working directory (default: the current one)' },
  env: { kind: 'texts', value: 'KEY=VALUE', help: 'set a variable; repeatable' },
  'env-file': { kind: 'texts', value: 'FILE', help: 'read KEY=VALUE lines; repeatable; before --env' },
  'inherit-env': { kind: 'flag', help: 'start from the environment of this call (default)' },
  'no-inherit-env': { kind: 'flag', help: 'start from an empty environment' },
  mask: { kind: 'texts', value: 'KEY', help: 'show the value of this variable as ***; repeatable' },
  stdin: { kind: 'text', value: 'TEXT', help: 'input of the job; - reads the input of this call to its end' },
  'stdin-file': { kind: 'text', value: 'PATH', help: 'input of the job from a file' },
  'stdin-max-bytes': { kind: 'count', value: 'N', help: `limit of the input (default ${limits.stdinBytes})` },
  'shell-wrapper': { kind: 'text', value: 'WORDS', help: 'put these words before the command (default: sh -lc)' },
  tag: { kind: 'texts', value: 'TAG', help: 'attach a tag such as build.web; repeatable' },
} as const;

const observeOptions = {
  wait: { kind: 'optional', value: 'true|false', help: 'observe the job before answering (default true)' },
  until: { kind: 'count', value: 'N', help: `observe for at most N seconds (default ${untilDefault})` },
  forever: { kind: 'flag', help: 'observe until the end' },
  'no-wait': { kind: 'flag', help: 'answer at once' },
  'max-bytes': {
    kind: 'count',
    value: 'N',
    help: `bytes of output per stream in the answer (default ${excerptBytes})`,
  },
} as const;

const options = { ...definitionOptions, ...observeOptions } as const;
type RunOptions = Options<typeof options>;

export const run = defineCommand({
  name: 'run',
  summary: 'start a job, observe it for a while, answer',
  usage: '[--] COMMAND [ARGS...]',
  options,
  stopAtWord: true,
  examples: [
    'kanade run -- make test',
    'kanade run --timeout 600 --tag build.web -- npm run build',
    "kanade run 'for i in 1 2 3; do echo $i; done'",
  ],
  async run(given, words, context) {
    if (words.length === 0) throw new UsageError('COMMAND is missing: kanade run -- COMMAND [ARGS...]');
    checkOptions(given);
    const definition = await definitionOf(given, words, context);
    const launched = launchJob(context.root, definition, context.io.env);
    // The marker is there before the answer: a deadline holds even if this call is killed right now.
    if (definition.timeoutMs) handOver(context.root, launched);
    return observeAndAnswer({ given, definition, launched, context });
  },
});

function checkOptions(given: RunOptions): void {
  if (given.forever && given.until !== undefined) throw new UsageError('--until and --forever exclude each other');
  if (given['inherit-env'] && given['no-inherit-env'])
    throw new UsageError('--inherit-env and --no-inherit-env exclude each other');
  if (given.stdin !== undefined && given['stdin-file'] !== undefined)
    throw new UsageError('--stdin and --stdin-file exclude each other');
  for (const tag of given.tag)
    if (!isTag(tag))
      throw new UsageError(`not a tag: ${JSON.stringify(tag)}; letters, digits and hyphens, joined by dots`);
}

async function definitionOf(given: RunOptions, command: readonly string[], { cwd }: Context): Promise<JobDefinition> {
  const wrapper = given['shell-wrapper']?.split(/\s+/).filter((word) => word !== '');
  if (wrapper?.length === 0)
    throw new UsageError('--shell-wrapper is empty: give a program and its flags, such as "sh -lc"');
  const stdin = await readJobInput({
    bytesMax: given['stdin-max-bytes'] ?? limits.stdinBytes,
    ...(given.stdin === undefined ? {} : { text: given.stdin }),
    ...(given['stdin-file'] === undefined ? {} : { file: given['stdin-file'] }),
  });
  return {
    command,
    cwd: canonical(given.cwd ?? cwd),
    env: given.env,
    envFiles: given['env-file'],
    inheritEnv: given['no-inherit-env'] !== true,
    mask: given.mask,
    tags: [...new Set(given.tag)],
    timeoutMs: (given.timeout ?? 0) * 1000,
    killAfterMs: (given['kill-after'] ?? 0) * 1000,
    ...(wrapper ? { shellWrapper: wrapper } : {}),
    ...(stdin ? { stdin } : {}),
  };
}

async function observeAndAnswer({
  given,
  definition,
  launched,
  context,
}: {
  given: RunOptions;
  definition: JobDefinition;
  launched: LaunchedJob;
  context: Context;
}): Promise<Answer> {
  const { job } = launched;
  const observes = given['no-wait'] !== true && given.wait !== false;
  const observedMs = performance.now();
  if (observes) {
    const timeoutMs = given.forever ? undefined : (given.until ?? untilDefault) * 1000;
    await observeStart(launched, given.forever ? {} : { timeoutMs, quietMs });
  }
  const waitedMs = observes ? Math.round(performance.now() - observedMs) : 0;
  const view = settle(job);
  if (!isTerminal(view.status)) handOver(context.root, launched);
  launched.release();
  const shown = maskedPairs(definition.env ?? [], definition.mask ?? []);
  return {
    type: 'run',
    job_id: job.id,
    state: view.status,
    tags: definition.tags,
    ...(shown.length > 0 ? { env_vars: shown } : {}),
    stdout_log_path: pathOf(job, 'stdout'),
    stderr_log_path: pathOf(job, 'stderr'),
    elapsed_ms: Math.round(performance.now() - context.startedMs),
    waited_ms: waitedMs,
    ...headsOf(job, given['max-bytes'] ?? excerptBytes),
    ...endingOf(view),
  };
}

/** Gives a job into the care of the root's host: deadlines and endings no longer depend on this call. */
function handOver(root: string, { job }: LaunchedJob): void {
  markForCare(root, job);
  ensureHost(root, [...selfCommand(), '_host', '--root', root]);
}

/** Jobs store the canonical directory, because `list` compares it as text. */
function canonical(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path; // the launch will say that it does not exist
  }
}
