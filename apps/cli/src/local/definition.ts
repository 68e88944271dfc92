/** What a job is: the options that `create` and `run` share. */
import { fstatSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type JobDefinition, JobError, limits, type NotificationConfig, type RootLimits } from '@kanade/runner';
import { isTag } from '@kanade/shared/job-words';
import { type Context, type Options, UsageError } from '../call/command.ts';
import { type Config, canonical } from './settings.ts';
import { checkQueueName, turnOptions } from './turn.ts';

export const matchOptions = {
  'output-pattern': { kind: 'text', value: 'P', help: 'tell the output sinks about lines that match' },
  'output-match-type': {
    kind: 'text',
    value: 'TYPE',
    values: ['contains', 'regex'],
    help: 'contains or regex (default contains)',
  },
  'output-stream': {
    kind: 'text',
    value: 'STREAM',
    values: ['stdout', 'stderr', 'either'],
    help: 'stdout, stderr or either (default either)',
  },
  'output-command': { kind: 'text', value: 'CMD', help: 'run this for each match, with the event as its input' },
  'output-file': { kind: 'text', value: 'PATH', help: 'append each match to this file' },
} as const;

export const definitionOptions = {
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
  'progress-every': { kind: 'count', value: 'N', help: 'accepted for older callers' },
  'notify-command': { kind: 'text', value: 'CMD', help: 'run this at the end, with the event as its input' },
  'notify-file': { kind: 'text', value: 'PATH', help: 'append the end to this file' },
  ...matchOptions,
  config: { kind: 'text', value: 'PATH', help: 'configuration file (default: the one of the user)' },
  'shell-wrapper': { kind: 'text', value: 'WORDS', help: 'put these words before the command (default: sh -lc)' },
  'log-bytes-max': {
    kind: 'count',
    value: 'N',
    help: `bytes of output kept, the first and the last part (default ${limits.logBytes})`,
  },
  tag: { kind: 'texts', value: 'TAG', help: 'attach a tag such as build.web; repeatable' },
  ...turnOptions,
} as const;

/** How long a silent pipe is waited for, in ms: the writer of a shell pipeline starts together with us. */
const silentPipeMs = 1_000;

/** The same for a socket, in ms: process libraries hand one down by default and leave it open. */
const silentSocketMs = 300;

/** How long a silent pipe is waited for while a process that is none of our callers can write into it, in ms. */
const silentWriterMs = 60_000;

/** What the help says of the input of a job. */
export const inputRule = `Input of the job: --stdin TEXT, or --stdin-file PATH; --stdin - reads the input of this call to its end, however long that takes.
Without them what is there by itself is taken: a file whole, a pipe to its end. A pipe that is silent for ${silentPipeMs / 1000} s (a socket: ${silentSocketMs} ms)
into which nobody but our callers can write, belongs to somebody who never closes it: the job then starts without input, and the answer says so (stdin).
A writer beside us, as in a shell pipeline, is waited for up to ${silentWriterMs / 1000} s. A terminal is never read.`;

/** The same of a job that is only defined: an input that is there by itself stays untouched. */
export const createInputRule = `Input of the job: --stdin TEXT, or --stdin-file PATH; --stdin - reads the input of this call to its end. Nothing is taken that is there by
itself, in difference to run. What is given is stored with the job, for each start.`;

type DefinitionOptions = Options<typeof definitionOptions>;

/** Refuses combinations that make no sense, before anything is written. */
export function checkDefinition(given: DefinitionOptions): void {
  if (given['inherit-env'] && given['no-inherit-env']) {
    throw new UsageError('--inherit-env and --no-inherit-env exclude each other');
  }
  if (given.stdin !== undefined && given['stdin-file'] !== undefined) {
    throw new UsageError('--stdin and --stdin-file exclude each other');
  }
  for (const pair of given.env) {
    if (/^(=|$)/.test(pair)) throw new UsageError(`option --env needs KEY=VALUE, the key is missing: ${pair}`);
  }
  checkTags(given.tag);
  checkQueueName(given.queue);
  checkMatch(given);
}

export function checkTags(tags: readonly string[]): void {
  for (const tag of tags) {
    if (!isTag(tag))
      throw new UsageError(`not a tag: ${JSON.stringify(tag)}; letters, digits and hyphens, joined by dots`);
  }
}

type MatchOptions = Options<typeof matchOptions>;

export function checkMatch(given: MatchOptions): void {
  oneOf('--output-match-type', given['output-match-type'], ['contains', 'regex']);
  oneOf('--output-stream', given['output-stream'], ['stdout', 'stderr', 'either']);
}

export function oneOf(option: string, value: string | undefined, known: readonly string[]): void {
  if (value !== undefined && !known.includes(value)) {
    throw new UsageError(`option ${option} must be one of ${known.join(', ')}: ${value}`);
  }
}

export interface Defined {
  readonly given: DefinitionOptions;
  readonly command: readonly string[];
  readonly config: Config;
  readonly context: Context;
  /** Input that is there by itself is taken. */
  readonly implicitStdin: boolean;
}

/** The definition that the options make, and why the input that was there was not taken. Reads the input. Throws `JobError`. */
export async function definitionOf({
  given,
  command,
  config,
  context: { cwd },
  implicitStdin,
}: Defined): Promise<{ definition: JobDefinition; notTaken?: string }> {
  const wrapper = given['shell-wrapper']?.split(/\s+/).filter((word) => word !== '');
  if (wrapper?.length === 0) {
    throw new JobError('internal_error', '--shell-wrapper is empty: give a program and its flags, such as "sh -lc"');
  }
  const shell = wrapper ?? config.shell;
  const stdinBytesMax = given['stdin-max-bytes'] ?? limits.stdinBytes;
  const { bytes: stdin, notTaken } = await readJobInput({
    implicit: implicitStdin,
    bytesMax: stdinBytesMax,
    ...(given.stdin === undefined ? {} : { text: given.stdin }),
    ...(given['stdin-file'] === undefined ? {} : { file: given['stdin-file'] }),
  });
  const notification = notificationOf(given);
  const logBytesMax = given['log-bytes-max'] ?? config.limits?.log_bytes;
  const definition: JobDefinition = {
    command,
    cwd: canonical(given.cwd ?? cwd),
    env: given.env,
    envFiles: given['env-file'].map((file) => resolve(cwd, file)),
    inheritEnv: given['no-inherit-env'] !== true,
    mask: given.mask,
    tags: [...new Set(given.tag)],
    timeoutMs: (given.timeout ?? 0) * 1000,
    killAfterMs: (given['kill-after'] ?? 0) * 1000,
    progressEveryMs: (given['progress-every'] ?? 0) * 1000,
    ...(shell ? { shellWrapper: shell } : {}),
    ...(stdin ? { stdin, stdinBytesMax } : {}),
    ...(notification ? { notification } : {}),
    ...(logBytesMax === undefined ? {} : { logBytesMax }),
    ...(config.limits?.log_overflow ? { logOverflow: config.limits.log_overflow } : {}),
  };
  return { definition, ...(notTaken === undefined ? {} : { notTaken }) };
}

/** What the configuration file says of a root's size. */
export function limitsOf({ limits: given = {} }: Config): RootLimits {
  return {
    ...(given.jobs === undefined ? {} : { jobsMax: given.jobs }),
    ...(given.bytes === undefined ? {} : { bytesMax: given.bytes }),
    ...(given.inodes === undefined ? {} : { inodesMax: given.inodes }),
  };
}

function notificationOf(given: DefinitionOptions): NotificationConfig | undefined {
  const match = mergeMatch(undefined, given);
  const config: NotificationConfig = {
    ...(given['notify-command'] === undefined ? {} : { notify_command: given['notify-command'] }),
    ...(given['notify-file'] === undefined ? {} : { notify_file: resolve(given['notify-file']) }),
    ...(match ? { on_output_match: match } : {}),
  };
  return Object.keys(config).length > 0 ? config : undefined;
}

type Match = NotificationConfig['on_output_match'];

/** The match that options make of a stored one; undefined while there is no pattern. */
export function mergeMatch(stored: Match, given: MatchOptions): Match {
  const pattern = given['output-pattern'] ?? stored?.pattern;
  if (pattern === undefined) return undefined;
  const matchType =
    (given['output-match-type'] as 'contains' | 'regex' | undefined) ?? stored?.match_type ?? 'contains';
  const command = given['output-command'] ?? stored?.command;
  const file = given['output-file'] === undefined ? stored?.file : resolve(given['output-file']);
  return {
    pattern,
    match_type: matchType,
    stream: (given['output-stream'] as 'stdout' | 'stderr' | 'either' | undefined) ?? stored?.stream ?? 'either',
    ...(command === undefined ? {} : { command }),
    ...(file === undefined ? {} : { file }),
  };
}

/** The input of a job. */
interface JobInput {
  /** Undefined for none. */
  readonly bytes: Uint8Array | undefined;
  /** Why what was there was not taken. */
  readonly notTaken?: string;
}

interface StdinOptions {
  /** Take input that is there by itself. */
  readonly implicit: boolean;
  readonly text?: string;
  readonly file?: string;
  readonly bytesMax: number;
}

/**
 * The bytes to store as the job's input. `--stdin -` reads the caller's input to its end. Without an option, input that is there by itself
 * (a file or a pipe) is taken too, by this rule: a terminal or a device is never read; a file is read whole; a pipe is
 * read to its end, but if it has sent nothing within a short time, and nobody but our callers can write into it, it belongs to
 * somebody who never closes it: the job starts without input, and the answer says so. A writer beside us, as a shell pipeline has
 * one, is waited for longer.
 */
async function readJobInput({ implicit, text, file, bytesMax }: StdinOptions): Promise<JobInput> {
  if (file !== undefined) return { bytes: limited(readInputFile(file), bytesMax) };
  if (text !== undefined && text !== '-') return { bytes: limited(Buffer.from(text), bytesMax) };
  if (text === '-') {
    if (process.getBuiltinModule('node:tty').isatty(0))
      throw new JobError(
        'stdin_required',
        '--stdin - needs input: stdin is a terminal; pipe something in or use --stdin-file',
      );
    return { bytes: await readPipe(bytesMax, undefined) };
  }
  const kind = implicit ? inheritedKind() : 'none';
  if (kind === 'none') return { bytes: undefined };
  if (kind === 'file') return { bytes: nonEmpty(limited(readFileSync(0), bytesMax)) };
  const bytes = await readPipe(bytesMax, kind === 'socket' ? silentSocketMs : silentPipeMs);
  if (bytes !== undefined) return { bytes: nonEmpty(bytes) };
  return { bytes, notTaken: `not taken: the ${kind} stayed silent and open; --stdin - waits for its end` };
}

function inheritedKind(): 'none' | 'file' | 'pipe' | 'socket' {
  try {
    const stat = fstatSync(0);
    return stat.isFile() ? 'file' : stat.isFIFO() ? 'pipe' : stat.isSocket() ? 'socket' : 'none';
  } catch {
    return 'none'; // stdin is closed
  }
}

/** Undefined when it stayed silent for `silentMs`. Loaded on demand: most calls have no input. */
async function readPipe(bytesMax: number, silentMs: number | undefined): Promise<Uint8Array | undefined> {
  const { readToEnd } = await import('./reader.ts');
  const bytes = await readToEnd({ silentMs, silentWriterMs, bytesMax });
  if (bytes === 'too-large') throw tooLarge(`more than ${bytesMax}`, bytesMax);
  return bytes === 'silent' ? undefined : bytes;
}

function readInputFile(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new JobError('internal_error', `could not read --stdin-file ${path}: ${(cause as Error).message}`, { cause });
  }
}

const nonEmpty = (bytes: Uint8Array | undefined): Uint8Array | undefined => (bytes?.length ? bytes : undefined);

function limited(bytes: Uint8Array, bytesMax: number): Uint8Array {
  if (bytes.length > bytesMax) throw tooLarge(String(bytes.length), bytesMax);
  return bytes;
}

const tooLarge = (size: string, bytesMax: number): JobError =>
  new JobError('stdin_too_large', `input is ${size} bytes: the limit is ${bytesMax}; raise it with --stdin-max-bytes`);
