import * as z from 'zod';
import { nullAsAbsent, optional } from '../scalar/optional.ts';
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
});
export type ExecResult = z.infer<typeof ExecResult>;

/** What an absent field of a result means. Read in already; `omitDefaults` leaves it off again. */
export const execResultDefaults = { result_id: '' } satisfies Partial<ExecResult>;

/** What a result says about its run: done, failed, or not started because of a policy. */
export type Verdict = 'succeeded' | 'failed' | 'skipped';

/** Goes by the flag; without it (older agents) every non-zero code is a failure (fleet reference, section 3.4). */
export function verdictOf({ exit_code, skipped }: Pick<ExecResult, 'exit_code' | 'skipped'>): Verdict {
  if (skipped === true) return 'skipped';
  return exit_code === 0 ? 'succeeded' : 'failed';
}

/** Whether the result may change the status of a check: no skip may, and of older agents no code of 122 to 127. */
export function countsForCheck({ exit_code, skipped }: Pick<ExecResult, 'exit_code' | 'skipped'>): boolean {
  return skipped === undefined ? exit_code < 122 || exit_code > 127 : !skipped;
}

/** Namespace of the UUIDv5 ids below (RFC 9562, OID). */
export const uuidNamespaceOid = '6ba7b812-9dad-11d1-80b4-00c04fd430c8';
/** Name for the UUIDv5 that stands for the missing `result_id` of an agent before 0.29. */
export const legacyResultName = (requestId: string, pcId: string): string =>
  `kanade-issue-19/legacy-result-id:${requestId}:${pcId}`;
/** Name for the UUIDv5 of a refusal's result, so that re-deliveries fall on one row. */
export const refusalResultName = (requestId: string, pcId: string): string => `${requestId}|${pcId}|signature-refused`;

/** A run has begun; sent only for commands with an `exec_id`, on `events.started.<exec_id>.<pc_id>`. */
export const EventStarted = z.looseObject({
  result_id: z.string(),
  request_id: z.string(),
  exec_id: z.string(),
  pc_id: z.string(),
  started_at: Instant,
  manifest_id: optional(z.string()),
  version: optional(z.string()),
});
export type EventStarted = z.infer<typeof EventStarted>;
