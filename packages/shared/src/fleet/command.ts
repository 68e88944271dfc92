import * as z from 'zod';
import { Instant } from '../scalar/time.ts';

/** The interpreter of a script. Closed on purpose: an agent must not guess how to run something. */
export const Shell = z.enum(['powershell', 'cmd', 'sh', 'pwsh', 'bash']);
export type Shell = z.infer<typeof Shell>;

/** Whose token and session a script gets; `user` and `system_gui` need a console user. */
export const RunAs = z.enum(['system', 'user', 'system_gui']);
export type RunAs = z.infer<typeof RunAs>;

export const Staleness = z.discriminatedUnion('mode', [
  z.looseObject({ mode: z.literal('cached') }),
  z.looseObject({ mode: z.literal('strict'), max_cache_age: z.string() }),
  z.looseObject({ mode: z.literal('unchecked') }),
]);
export type Staleness = z.infer<typeof Staleness>;

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
  script_object: z.string().optional(),
  script_object_sha256: z.string().optional(),
  timeout_secs: z.int().nonnegative(),
  jitter_secs: z.int().nonnegative().nullable().optional(),
  run_as: RunAs.optional(),
  cwd: z.string().optional(),
  deadline_at: Instant.optional(),
  staleness: Staleness.optional(),
  bypass_local_limit: z.boolean().optional(),
});
export type Command = z.infer<typeof Command>;

/** Decodes a command from its JSON value, accepting the name that `exec_id` had before 0.29 (`job_id`). */
export function decodeCommand(value: unknown): z.ZodSafeParseResult<Command> {
  if (typeof value !== 'object' || value === null || !('job_id' in value) || 'exec_id' in value) {
    return Command.safeParse(value);
  }
  const { job_id, ...rest } = value as Record<string, unknown>;
  return Command.safeParse({ ...rest, exec_id: job_id });
}
