import * as z from 'zod';
import { optional } from '../scalar/field.ts';
import { createReader, type Read, readAs } from '../scalar/strict.ts';
import { Instant } from '../scalar/time.ts';
import { CheckHint, CollectHint, EmitConfig } from './hint.ts';
import { FinalizeCommand, Retry, RunAs, Shell, Staleness } from './launch.ts';
import { parseVersionedKey } from './store.ts';

/**
 * An order to run one script, as published on `commands.*`. `timeout_secs` is in seconds (the agent uses at least 1),
 * `jitter_secs` in seconds; `deadline_at` is the latest instant to start, inclusive. Unknown fields are kept.
 */
export const Command = z.looseObject({
  id: z.string().min(1),
  version: z.string(),
  request_id: z.string().min(1),
  exec_id: z.string().nullable().optional(),
  shell: Shell,
  script: z.string(),
  script_object: optional(z.string()),
  script_object_sha256: optional(z.string()),
  timeout_secs: z.int().nonnegative(),
  jitter_secs: z.int().nonnegative().nullable().optional(),
  run_as: optional(RunAs),
  cwd: optional(z.string()),
  deadline_at: optional(Instant),
  staleness: optional(Staleness),
  emit: optional(EmitConfig),
  check: optional(CheckHint),
  collect: optional(CollectHint),
  retry: optional(Retry),
  finalize: optional(FinalizeCommand),
  bypass_local_limit: optional(z.boolean()),
});
export type Command = z.infer<typeof Command>;

/** What an absent field of a command means; left off the wire when written. */
export const commandDefaults = {
  run_as: 'system',
  staleness: { mode: 'cached' },
  bypass_local_limit: false,
} satisfies Partial<Command>;

/**
 * Reads a command from its JSON value, under the name that `exec_id` had before 0.29 (`job_id`), too. A time-out over
 * {@link timeoutSecsMax} counts as that. Never throws.
 */
export const readCommand = (value: unknown): Read<Command> => readAs(Command, asWritten(value));

/** {@link readCommand}, compiled once: for a program that reads many. */
export function createCommandReader(): typeof readCommand {
  const read = createReader(Command);
  return (value) => read(asWritten(value));
}

/** The seconds that a command may run: what it says, at least 1. */
export const timeoutSeconds = ({ timeout_secs }: Pick<Command, 'timeout_secs'>): number => Math.max(1, timeout_secs);

/** The longest time-out that can be counted, in seconds. On the wire it is a number of 64 bits, of which JSON keeps 53. */
export const timeoutSecsMax: number = Number.MAX_SAFE_INTEGER;
/** The largest number of 64 bits, as near as it can be read. */
const wireSecsMax = 2 ** 64;

/** The same value with `job_id` under its newer name `exec_id` (when both are given, `exec_id` counts), and a time-out that can be counted. */
function asWritten(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const { timeout_secs } = value as { timeout_secs?: unknown };
  const isLong = typeof timeout_secs === 'number' && timeout_secs > timeoutSecsMax && timeout_secs <= wireSecsMax;
  const timed = isLong ? { ...value, timeout_secs: timeoutSecsMax } : value;
  if (!('job_id' in timed) || 'exec_id' in timed) return timed;
  const { job_id, ...rest } = timed;
  return { ...rest, exec_id: job_id };
}

/** The command with the latest instant at which it may start, in ms since 1970, where it does not say that itself. */
export function withDeadline(command: Command, deadlineMs: number | undefined): Command {
  const known = command.deadline_at === undefined ? undefined : Date.parse(command.deadline_at);
  return deadlineMs === undefined || known === deadlineMs
    ? command
    : { ...command, deadline_at: new Date(deadlineMs).toISOString() };
}

/** What is wrong with the body of an order: it has exactly one, and one by reference names its hash. */
export function bodyFault(command: Command): string | undefined {
  const { script, script_object, script_object_sha256 } = command;
  if (!script_object) return undefined;
  if (script !== '') return 'script and script_object exclude each other: both given';
  if (!parseVersionedKey(script_object)) {
    return `script_object must be NAME/VERSION: ${JSON.stringify(script_object.slice(0, 100))}`;
  }
  if (!script_object_sha256) return 'script_object needs script_object_sha256: none given';
  return /^[0-9a-f]{64}$/i.test(script_object_sha256)
    ? undefined
    : 'script_object_sha256 must be 64 hexadecimal digits';
}
