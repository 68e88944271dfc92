import * as z from 'zod';
import { Instant } from '../scalar/time.ts';

/**
 * Exit codes that the agent makes up, because no process returned one. `skipped` is the flag that marks a policy skip:
 * real scripts exit 126 and 127 too, so readers go by the flag (fleet reference, section 4.10).
 */
export const syntheticExits = {
  staleness: { code: 127, skipped: true, meaning: 'strict staleness exceeded' },
  revoked: { code: 126, skipped: true, meaning: 'script status is REVOKED' },
  deadline: { code: 125, skipped: true, meaning: 'starting deadline passed' },
  version_pin: { code: 124, skipped: true, meaning: 'version differs from the approved one' },
  rejected: { code: 123, skipped: false, meaning: 'provenance refused while enforcing' },
  unsupported: { code: 122, skipped: true, meaning: 'this machine cannot run it as asked' },
  outcome_unknown: { code: 121, skipped: false, meaning: 'agent restarted during execution; outcome unknown' },
  no_exit_code: { code: -1, skipped: false, meaning: 'killed, timed out or never started' },
} as const;
export type SyntheticExit = keyof typeof syntheticExits;

/** How one run ended on one machine, as published on `results.<request_id>`. `skipped` absent = agent older than the flag. */
export const ExecResult = z.looseObject({
  result_id: z.string().default(''),
  request_id: z.string(),
  exec_id: z.string().nullable().optional(),
  parent_result_id: z.string().optional(),
  pc_id: z.string(),
  exit_code: z.int(),
  skipped: z.boolean().optional(),
  stdout: z.string(),
  stderr: z.string(),
  started_at: Instant,
  finished_at: Instant,
  stdout_object: z.string().optional(),
  stderr_object: z.string().optional(),
  manifest_id: z.string().optional(),
  collect_object: z.string().optional(),
  /** Ours: how the run ended, from the closed list of endings; older readers ignore it. */
  ending: z.string().optional(),
});
export type ExecResult = z.infer<typeof ExecResult>;

/** A run has begun; sent only for commands with an `exec_id`, on `events.started.<exec_id>.<pc_id>`. */
export const EventStarted = z.looseObject({
  result_id: z.string(),
  request_id: z.string(),
  exec_id: z.string(),
  pc_id: z.string(),
  started_at: Instant,
  manifest_id: z.string().optional(),
  version: z.string().optional(),
});
export type EventStarted = z.infer<typeof EventStarted>;

/** A sign of life on `heartbeat.<pc_id>`, and the reply to `agents.<pc_id>.ping`. Three-state arrays: absent = agent too old. */
export const Heartbeat = z.looseObject({
  pc_id: z.string(),
  at: Instant,
  agent_version: z.string(),
  hostname: z.string().optional(),
  os_family: z.string().optional(),
  agent_cpu_pct: z.number().optional(),
  agent_rss_bytes: z.int().optional(),
  command_keys: z.array(z.string()).optional(),
  enforcing: z.boolean().optional(),
  command_protocols: z.array(z.string()).optional(),
});
export type Heartbeat = z.infer<typeof Heartbeat>;
