import * as z from 'zod';
import { nullAsAbsent, optional } from '../scalar/field.ts';
import { Instant } from '../scalar/time.ts';

/** What the stop of a run did, as its machine saw it. */
export const StopSummary = z.looseObject({
  /** How: `control-group`, `process-group`, `process`. */
  mechanism: z.string(),
  /** Processes of the run when the stop began. */
  members: z.int(),
  /** Those that are still alive, at most {@link survivorsMax} of them. */
  survivors: z.array(z.looseObject({ pid: z.int(), name: z.string() })),
  elapsed_ms: z.int(),
});
export type StopSummary = z.infer<typeof StopSummary>;

/** Processes that a summary names. */
export const survivorsMax = 100;

/**
 * How one run ended on one machine, as published on `results.<request_id>`. `skipped` has three states: absent = agent
 * older than the flag. Output above `resultInlineBytesMax` is in `result_output`, under the key that `stdout_object` gives.
 */
export const ExecResult = z.looseObject({
  /** UUID of this run on this machine; agents before 0.29 did not send it. */
  result_id: nullAsAbsent(z.string().default('')),
  request_id: z.string(),
  exec_id: z.string().nullable().optional(),
  parent_result_id: optional(z.string()),
  pc_id: z.string(),
  exit_code: z.int(),
  skipped: optional(z.boolean()),
  stdout: z.string(),
  stderr: z.string(),
  started_at: Instant,
  finished_at: Instant,
  stdout_object: optional(z.string()),
  stderr_object: optional(z.string()),
  manifest_id: optional(z.string()),
  collect_object: optional(z.string()),
  /** Ours: how the run ended, from the closed list of endings; older readers ignore it. */
  ending: optional(z.string()),
  /** Ours: of a run that somebody stopped while its processes lived; older readers ignore it. */
  stop_report: optional(StopSummary),
});
export type ExecResult = z.infer<typeof ExecResult>;

/** What an absent field of a result means. Read in already; `omitDefaults` leaves it off again. */
export const execResultDefaults = { result_id: '' } satisfies Partial<ExecResult>;

/**
 * A run has begun, on `events.started.<exec_id>.<pc_id>`. Of a run that a person started, `exec_id` is its `result_id`, as for its kill, and
 * `user_sid` says who; the ancestor's agents are silent about those.
 */
export const EventStarted = z.looseObject({
  result_id: z.string(),
  request_id: z.string(),
  exec_id: z.string(),
  pc_id: z.string(),
  started_at: Instant,
  manifest_id: optional(z.string()),
  version: optional(z.string()),
  user_sid: optional(z.string()),
});
export type EventStarted = z.infer<typeof EventStarted>;
