/** From what a caller asks for to what is written into `meta.json` and handed to the system. */
import { readFileSync, statSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { isJobName, isQueueName, schemaVersion, wholeSecond } from '@kanade/shared/job-words';
import { JobError } from '../job-error.ts';
import { createLineTest } from '../output/match.ts';
import { activeSessionUser, environmentOfUser, type SessionUser, wordsAsUser } from '../process/session-user.ts';
import { findProgram } from '../process/spawn.ts';
import { treeVariable } from '../process/tree.ts';
import { type Dependency, isLinedUp, limits, type MetaFile, type NotificationConfig } from '../record/layout.ts';

/** A job to be made. Times in milliseconds, 0 = none. */
export interface JobDefinition {
  readonly command: readonly string[];
  /** Absolute working directory; `~` and `~/…` are the home of whom it runs as. */
  readonly cwd: string;
  /**
   * `session-user`: the person who is logged in at the machine, with that person's environment instead of the
   * launcher's; nobody there = `failed`. Linux with logind, from root. Default: the launcher.
   */
  readonly runAs?: 'session-user';
  /** `KEY=VALUE`, applied last, in order. */
  readonly env?: readonly string[];
  /** Files of `KEY=VALUE` lines, read at launch, applied before `env`. */
  readonly envFiles?: readonly string[];
  /** Start from the launcher's environment; default true. */
  readonly inheritEnv?: boolean;
  /** Keys whose values are shown as `***`. */
  readonly mask?: readonly string[];
  readonly tags?: readonly string[];
  readonly timeoutMs?: number;
  readonly killAfterMs?: number;
  /** Words put before the command; default `sh -lc`. Empty: the command is started as it is. */
  readonly shellWrapper?: readonly string[];
  readonly stdin?: Uint8Array;
  /** Most bytes of `stdin`; default 64 MiB. */
  readonly stdinBytesMax?: number;
  /** Sinks that the host runs. */
  readonly notification?: NotificationConfig;
  readonly progressEveryMs?: number;
  /** Most bytes of both raw logs together on the disk, enforced by the host of the root; default 16 GiB. */
  readonly logBytesMax?: number;
  /**
   * What happens beyond `logBytesMax`: `trim` (default) keeps the first and the last part, `stop` ends the job. Where a
   * file cannot have holes (not Linux, a limit below 64 KiB), it is always `stop`.
   */
  readonly logOverflow?: 'trim' | 'stop';
  /** Another place for the combined log, absolute; its directory is made, what is there is replaced. False: nobody reads one, and it stays empty. */
  readonly fullLog?: string | false;
  /** Takes its turn in this queue, behind those that stand in it; see `queues` of the root for its slots. */
  readonly queue?: string;
  /** Starts when these have ended, of the same root; one that does not end as it must ends this one too, `not_started`. */
  readonly after?: readonly Dependency[];
}

/** Login shell in string mode, as the command-line contract has it. */
export const defaultWrapper: readonly string[] = ['sh', '-lc'];

/** Throws `invalid_input` for what no system can start or no clock can measure, `invalid_pattern` for what no line can have. */
export function checkJobDefinition(definition: JobDefinition): void {
  const { command, cwd, env = [], envFiles = [], shellWrapper = [] } = definition;
  if (command.length === 0 && shellWrapper.length === 0) refuse('command', 'it is empty');
  for (const [name, texts] of Object.entries({ command, cwd: [cwd], env, envFiles, shellWrapper })) {
    if (texts.some((text) => text.includes('\0'))) refuse(name, 'it holds a NUL byte');
  }
  for (const name of ['timeoutMs', 'killAfterMs', 'progressEveryMs', 'logBytesMax', 'stdinBytesMax'] as const) {
    const value = definition[name];
    if (value !== undefined && !(Number.isFinite(value) && value >= 0)) refuse(name, `${value} is no number >= 0`);
  }
  if (definition.queue !== undefined || definition.after) checkTurn(definition);
  checkSought(definition.notification, undefined);
}

/** Throws `invalid_pattern` for a new match that could never be met: the keeper would pass over it without a word. */
export function checkSought(given: NotificationConfig | undefined, known: NotificationConfig | undefined): void {
  const [match, before] = [given?.on_output_match, known?.on_output_match];
  if (match && (match.pattern !== before?.pattern || match.match_type !== before.match_type)) createLineTest(match);
}

function checkTurn({ queue, after = [], runAs }: JobDefinition): void {
  if (queue !== undefined && !isQueueName(queue))
    refuse('queue', 'its name is letters, digits, - and _, a letter or digit first, at most 64');
  if (after.length > limits.dependencies)
    refuse('after', `it names ${after.length} jobs, and ${limits.dependencies} is the most`);
  if (after.some(({ job_id }) => !isJobName(job_id))) refuse('after', 'it names what cannot be a job');
  if (runAs && isLinedUp({ queue, after })) refuse('runAs', 'who will be at the machine at its turn is not known');
}

function refuse(name: string, why: string): never {
  throw new JobError('invalid_input', `cannot define a job with this ${name}: ${why}`);
}

/** A definition as it is stored: what is shown of it, and the pairs whose values are not, which lie in a file of their own. */
export interface Stored {
  readonly meta: MetaFile;
  readonly hidden: readonly string[];
}

/** A definition that makes sense, as it is stored. */
export function storedOf(definition: JobDefinition, id: string, root: string, nowMs: number): Stored {
  const env = (definition.env ?? []).map((pair) => splitPair(pair).join('='));
  const mask = [...(definition.mask ?? [])];
  const isHidden = (pair: string): boolean => mask.includes(splitPair(pair)[0]);
  const shown = env.filter((pair) => !isHidden(pair));
  const meta: MetaFile = {
    job: { id },
    schema_version: schemaVersion,
    command: [...definition.command],
    created_at: wholeSecond(nowMs),
    root,
    env_keys: env.map((pair) => splitPair(pair)[0]),
    ...(env.length > 0 ? { env_vars: maskedPairs(env, mask) } : {}),
    ...(shown.length > 0 ? { env_vars_runtime: shown } : {}),
    ...(mask.length > 0 ? { mask } : {}),
    cwd: definition.cwd,
    ...(definition.notification ? { notification: definition.notification } : {}),
    tags: [...(definition.tags ?? [])],
    inherit_env: definition.inheritEnv ?? true,
    ...(definition.envFiles?.length ? { env_files: [...definition.envFiles] } : {}),
    timeout_ms: definition.timeoutMs ?? 0,
    kill_after_ms: definition.killAfterMs ?? 0,
    progress_every_ms: definition.progressEveryMs ?? 0,
    ...(definition.logBytesMax ? { log_bytes_max: definition.logBytesMax } : {}),
    ...(definition.logOverflow ? { log_overflow: definition.logOverflow } : {}),
    shell_wrapper: [...(definition.shellWrapper ?? defaultWrapper)],
    ...(definition.stdin ? { stdin_file: 'stdin.bin' } : {}),
    ...(definition.runAs ? { run_as: definition.runAs } : {}),
    ...(definition.fullLog === undefined ? {} : { full_log: definition.fullLog || '' }),
    ...(definition.queue === undefined ? {} : { queue: definition.queue }),
    ...(definition.after?.length ? { after: definition.after.map(({ job_id, on }) => ({ job_id, on })) } : {}),
  };
  return { meta, hidden: env.filter(isHidden) };
}

/**
 * The words to execute. One word goes to the wrapper as a shell string; several replace the shell by `exec`, so the
 * workload has the wrapper's pid.
 */
export function argvOf(meta: Pick<MetaFile, 'command' | 'shell_wrapper'>): string[] {
  const wrapper = meta.shell_wrapper ?? defaultWrapper;
  if (wrapper.length === 0 || meta.command.length === 0) return [...meta.command];
  return meta.command.length === 1
    ? [...wrapper, meta.command[0] ?? '']
    : [...wrapper, 'exec "$@"', '--', ...meta.command];
}

/** Variables that steer our own executable's runtime, or mark the tree of another job, and must not leak into a workload. */
const ourVariables = ['BUN_BE_BUN', 'BUN_OPTIONS', treeVariable];

/** The workload's environment: the launcher's (or none), then the files in order, then the pairs in order; `masked` are those that `meta.json` does not hold. */
export function environmentOf(
  meta: Pick<MetaFile, 'inherit_env' | 'env_files' | 'env_vars_runtime' | 'cwd'>,
  launcher: Readonly<Record<string, string | undefined>>,
  masked: readonly string[] = [],
): Record<string, string | undefined> {
  const env: Record<string, string | undefined> = meta.inherit_env ? { ...launcher } : {};
  for (const name of ourVariables) delete env[name];
  for (const file of meta.env_files ?? []) {
    for (const pair of readEnvFile(isAbsolute(file) ? file : join(meta.cwd ?? '.', file))) assign(env, pair);
  }
  // In either order: a key is masked or it is not.
  for (const pair of [...(meta.env_vars_runtime ?? []), ...masked]) assign(env, splitPair(pair));
  return env;
}

/** `KEY=VALUE` lines; blank lines and lines with `#` first are skipped, no quotes, no expansion. */
export function parseEnvFile(text: string): [string, string][] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map(splitPair);
}

function readEnvFile(path: string): [string, string][] {
  try {
    return parseEnvFile(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new JobError('launch_failed', `could not read env file ${path}: ${(cause as Error).message}`, { cause });
  }
}

function assign(env: Record<string, string | undefined>, [key, value]: [string, string]): void {
  if (key !== '' && !`${key}${value}`.includes('\0')) env[key] = value;
}

function splitPair(pair: string): [string, string] {
  const at = pair.indexOf('=');
  return at < 0 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)];
}

/** `KEY=VALUE` for display, with `***` for the masked keys. */
export function maskedPairs(pairs: readonly string[], mask: readonly string[]): string[] {
  return pairs.map((pair) => {
    const [key, value] = splitPair(pair);
    return `${key}=${mask.includes(key) ? '***' : value}`;
  });
}

export interface Workload {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** What is executed, where and with what. Throws the reason for which it cannot be. */
export function workloadOf(
  meta: MetaFile,
  launcher: Readonly<Record<string, string | undefined>>,
  masked: () => readonly string[],
): Workload {
  const user = meta.run_as === undefined ? undefined : loggedIn(meta.run_as);
  // Who waited for its turn brings the environment of whoever put it into line, whole.
  const environment = isLinedUp(meta)
    ? { ...launcher }
    : environmentOf(meta, user ? environmentOfUser(user) : launcher, masked());
  const cwd = homeExpanded(meta.cwd ?? '/', environment.HOME);
  if (!statSync(cwd, { throwIfNoEntry: false })?.isDirectory())
    throw new Error(`working directory ${cwd} does not exist`);
  const argv = argvOf(meta);
  const program = argv[0] ?? '';
  // The shell of the default wrapper is everywhere and not looked for.
  if (program !== 'sh' && !findProgram(program, environment.PATH, cwd))
    throw new Error(`program ${program} was not found`);
  return { argv: user && user.uid !== process.getuid?.() ? wordsAsUser(user, argv) : argv, cwd, environment };
}

function loggedIn(runAs: string): SessionUser {
  if (runAs !== 'session-user')
    throw new Error(`run_as ${JSON.stringify(runAs)} is unknown: session-user is all there is`);
  const user = activeSessionUser();
  if (!user)
    throw new Error('nobody is logged in at this machine: a job of the person there needs an active local session');
  if (process.getuid?.() !== 0 && process.getuid?.() !== user.uid)
    throw new Error(`only root can start a job as ${user.name}, who is logged in at this machine`);
  return user;
}

const homeExpanded = (path: string, home: string | undefined): string =>
  path === '~' || path.startsWith('~/') ? `${home ?? ''}${path.slice(1)}` : path;
