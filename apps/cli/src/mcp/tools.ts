/** The tools that agents call: what each is, and what it answers. The answers are those of the command line. */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { JobError, type Jobs, type Launched, type LineMatch, limits } from '@kanade/runner';
import { type JobTool, type JobToolCall, type JobToolSchemas, jobToolSchemas } from '@kanade/shared/job';
import type { Answer } from '../call/command.ts';
import { answerKill } from '../door/kill.ts';
import { answerLaunched, observeSeconds } from '../door/launched.ts';
import { answerStatus } from '../door/status.ts';
import { answerTail } from '../door/tail.ts';
import { turnOf } from '../door/turn.ts';
import { answerWait, waitSeconds } from '../door/wait.ts';
import type { OnWaiting } from '../door/waiting.ts';
import type { Io } from '../io.ts';
import { collect } from '../local/observation.ts';
import { canonical } from '../local/settings.ts';
import { secondsOf, type UntilRule } from './until.ts';

/** Bytes per stream that one answer may carry: what a message holds on every client. */
const answerBytesMax = 1024 * 1024;

/** Arguments that are well formed and make no sense: the answer says why, and nothing was done. */
export class CallRefusal extends Error {
  override readonly name = 'CallRefusal';
}

/** What every call of a server stands on. */
export interface Desk {
  readonly jobs: Jobs;
  /** Absolute: where relative paths of calls begin. */
  readonly cwd: string;
  readonly rule: UntilRule;
  readonly io: Io;
}

/** One call. */
export interface ToolCall extends Desk {
  /** When it came, on the `performance.now()` clock, in ms. */
  readonly startedMs: number;
  /** Aborted when nobody wants the answer any more. */
  readonly signal: AbortSignal;
  readonly onWaiting: OnWaiting;
  /** Resolves when the answer may be made. */
  readonly turn: () => Promise<void>;
}

export interface ToolFacts {
  readonly title: string;
  readonly description: (rule: UntilRule) => string;
  /** Types of its answers. */
  readonly types: Parameters<typeof jobToolSchemas>[1];
  /** Runs until a job ends: it can be a task, and the job is the task. */
  readonly canBeTask: boolean;
  readonly annotations: {
    readonly readOnlyHint: boolean;
    readonly destructiveHint: boolean;
    readonly idempotentHint: boolean;
    readonly openWorldHint: boolean;
  };
}

const looks = { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false } as const;

/** In the order in which they are shown. */
export const toolFacts: Readonly<Record<JobTool, ToolFacts>> = {
  run: {
    title: 'Run a command as a job',
    description: ({ untilDefault = observeSeconds, untilMax }) =>
      `Start a command as a job that outlives this call, this server and you. Answers when it has ended, when it has printed something and fallen silent, or after \`until\` seconds (${Math.min(untilDefault, untilMax)} by default, ${untilMax} at most). state "running" means that it goes on: use wait, tail, status or kill with its job_id.`,
    types: ['run', 'wait'],
    canBeTask: true,
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true },
  },
  status: {
    title: 'Where a job stands',
    description: () => 'State of a job, exit code and times; no output. Answers at once.',
    types: ['status'],
    canBeTask: false,
    annotations: looks,
  },
  tail: {
    title: 'The last lines of a job',
    description: () => 'The end of what a job has printed so far, both streams. Answers at once.',
    types: ['tail'],
    canBeTask: false,
    annotations: looks,
  },
  wait: {
    title: 'Wait for the end of a job',
    description: ({ untilDefault = waitSeconds, untilMax }) =>
      `Answer when the job has ended, or after \`until\` seconds (${Math.min(untilDefault, untilMax)} by default, ${untilMax} at most) with the state "running": then call it again, with its cursor. With \`match\` as soon as a line has it. Stops nothing.`,
    types: ['wait'],
    canBeTask: true,
    annotations: looks,
  },
  kill: {
    title: 'Stop a job',
    description: () =>
      'Stop a job and everything it started: TERM, and KILL 2 s later. Only when the user wants that. The answer names what survived.',
    types: ['kill'],
    canBeTask: false,
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
  },
};

const schemas = new Map<JobTool, JobToolSchemas>();

/** Made once: it takes a millisecond. */
export function schemasOf(tool: JobTool): JobToolSchemas {
  const made = schemas.get(tool) ?? jobToolSchemas(tool, toolFacts[tool].types);
  schemas.set(tool, made);
  return made;
}

type Tools = { readonly [T in JobTool]: (given: JobToolCall<T>, call: ToolCall) => Promise<Answer> };

/** What each tool answers. Throws {@link CallRefusal}, `JobError`. */
export const tools: Tools = {
  async run(given, call) {
    const { until, isCapped } = untilOf(given.until, observeSeconds, call.rule);
    const launched = await launch(given, call);
    const { jobs, startedMs, onWaiting, turn: beforeReading } = call;
    const answer = await answerLaunched(jobs, launched, { type: 'run', startedMs, until, onWaiting, beforeReading });
    return capped(await shortened(answer, call), isCapped, call.rule);
  },
  async status({ job_id }, { jobs, turn }) {
    await turn();
    return answerStatus(jobs, job_id);
  },
  async tail({ job_id, cursor, lines, max_bytes: bytesMax }, call) {
    if (cursor !== undefined && lines !== undefined)
      throw new CallRefusal('cursor and lines exclude each other: with a cursor the answer has all that came since');
    if ((bytesMax ?? 0) > answerBytesMax)
      throw new CallRefusal(`max_bytes is at most ${answerBytesMax}: read on by range, from the resources of the job`);
    await call.turn();
    return shortened(answerTail(call.jobs, job_id, { cursor, lines, bytesMax }), call);
  },
  async wait(given, { jobs, rule, signal, onWaiting, turn: beforeReading }) {
    const { until, isCapped } = untilOf(given.until, waitSeconds, rule);
    const { cursor } = given;
    const plan = { until, cursor, match: matchOf(given), signal, onWaiting, beforeReading };
    return capped(await answerWait(jobs, given.job_id, plan), isCapped, rule);
  },
  async kill({ job_id }, { jobs, turn }) {
    await turn();
    return answerKill(jobs, job_id);
  },
};

/** With a shorter view of what was printed, by the kind of output (contract, section 7.7). */
async function shortened(answer: Answer, { jobs, signal }: ToolCall): Promise<Answer> {
  const { compressAnswer } = await import('../compress/answer.ts');
  return compressAnswer(jobs, answer, { mode: 'route', signal });
}

function untilOf(asked: number | undefined, toolDefault: number, rule: UntilRule) {
  const seconds = secondsOf(asked, toolDefault, rule);
  if ('refused' in seconds) throw new CallRefusal(seconds.refused);
  return seconds;
}

function matchOf({ match, match_type: type, stream }: JobToolCall<'wait'>): LineMatch | undefined {
  if (match === undefined) {
    if (type !== undefined || stream !== undefined)
      throw new CallRefusal('match_type and stream say how match looks: give it, too');
    return undefined;
  }
  if (match.includes('\n')) throw new CallRefusal('match looks at one line after the other: it cannot have a newline');
  return { pattern: match, match_type: type ?? 'contains', stream: stream ?? 'either' };
}

/** Who asked for more than is waited here is told so, while there is something to wait for. */
const capped = (answer: Answer, isCapped: boolean, { untilMax }: UntilRule): Answer =>
  isCapped && (answer.state === 'running' || answer.state === 'created') && !answer.matched
    ? { ...answer, until_capped_at: untilMax }
    : answer;

/** Starts what a call of `run` describes. Throws {@link CallRefusal}, `JobError`. */
export async function launch(given: JobToolCall<'run'>, { jobs, cwd, io }: Desk): Promise<Launched> {
  const { command, env = {}, timeout = 0, stdin, stdin_file: stdinFile } = given;
  checkCommand(given);
  const input = stdinFile === undefined ? stdin : await readInput(resolve(cwd, stdinFile));
  const bytes = typeof input === 'string' ? new TextEncoder().encode(input) : input;
  const launched = jobs.launch({
    command,
    cwd: canonical(resolve(cwd, given.cwd ?? '.')),
    env: Object.entries(env).map(([key, value]) => `${key}=${value}`),
    timeoutMs: timeout * 1000,
    ...(bytes ? { stdin: bytes } : {}),
    ...turnOf({ ...given, afterAny: given.after_any }, jobs),
  });
  collect({}, { gc: {} }, { jobs, io }); // as built in: the configuration file is not read here (contract, section 7.1)
  return launched;
}

function checkCommand({ command, cwd = '', env = {}, stdin, stdin_file: stdinFile }: JobToolCall<'run'>): void {
  if (command.length === 0) throw new CallRefusal('command is empty: give a program and its arguments');
  if (command.includes('')) throw new CallRefusal('command has an empty word');
  if ([...command, cwd].some((text) => text.includes('\0'))) throw new CallRefusal('command and cwd hold no NUL');
  for (const [key, value] of Object.entries(env)) {
    if (key === '' || /[=\0]/.test(key)) throw new CallRefusal(`env has a key that is none: ${JSON.stringify(key)}`);
    if (value.includes('\0')) throw new CallRefusal(`env.${key} holds a NUL`);
  }
  if (stdin !== undefined && stdinFile !== undefined) throw new CallRefusal('stdin and stdin_file exclude each other');
}

/** The bytes of a file, and of nothing else: a pipe or a terminal would never end. */
async function readInput(path: string): Promise<Uint8Array> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)); // none on Windows
    const stat = await file.stat();
    if (!stat.isFile()) throw new Error('it is no file');
    if (stat.size > limits.stdinBytes)
      throw new JobError('stdin_too_large', `input is ${stat.size} bytes: the limit is ${limits.stdinBytes}`);
    return await file.readFile();
  } catch (cause) {
    if (cause instanceof JobError) throw cause;
    throw new JobError('internal_error', `could not read stdin_file ${path}: ${(cause as Error).message}`, { cause });
  } finally {
    await file?.close();
  }
}
