import * as z from 'zod';
import { optional } from '../scalar/field.ts';

const count = optional(z.int().nonnegative());

/**
 * Asks for the live output of a run, on `job.tail.<pc_id>`: the newest run that one of the ids names. What stands behind
 * `result_id` is ours; an agent of before answers with the end of the output.
 */
export const JobTailRequest = z.looseObject({
  result_id: optional(z.string()),
  request_id: optional(z.string()),
  exec_id: optional(z.string()),
  /** Bytes of each stream that the asker has; absent: the end of the output is enough. */
  stdout_from: count,
  stderr_from: count,
  /** How many attempts came before the one that these bytes are of; of another one the asker has nothing. */
  attempt: count,
  /** How long the answer may be held back while there is nothing new, in ms. */
  wait_ms: count,
});
export type JobTailRequest = z.infer<typeof JobTailRequest>;
export const jobTailRequestDefaults = { result_id: '', wait_ms: 0 } satisfies Partial<JobTailRequest>;

/**
 * `found: false` means: read the stored row instead. Every field may be absent; those from `result_id` on are ours, and absent from an
 * agent of before.
 */
export const JobTailReply = z.looseObject({
  found: optional(z.boolean()),
  running: optional(z.boolean()),
  stdout: optional(z.string()),
  stderr: optional(z.string()),
  stdout_truncated: optional(z.boolean()),
  stderr_truncated: optional(z.boolean()),
  result_id: optional(z.string()),
  /** Where the text of each stream stands in it, in bytes `[from, to)`: whole characters, unless the run has ended. */
  stdout_from: count,
  stdout_to: count,
  stderr_from: count,
  stderr_to: count,
  /** How many attempts came before the one that this is of; absent: none. */
  attempt: count,
  /** More can be had at once, from `to` on. */
  more: optional(z.boolean()),
  state: optional(z.enum(['waiting', 'running', 'ended'])),
  /** False when the machine keeps nothing of what the run printed: it never began, or it ended and its output went. */
  kept: optional(z.boolean()),
  /** How it ended. */
  status: optional(z.string()),
  exit_code: optional(z.int()),
  finished_at: optional(z.string()),
  /** Why nothing was looked for. */
  error: optional(z.string()),
});
export type JobTailReply = z.infer<typeof JobTailReply>;
export const jobTailReplyDefaults = {
  found: false,
  running: false,
  stdout: '',
  stderr: '',
  stdout_truncated: false,
  stderr_truncated: false,
} satisfies Partial<JobTailReply>;

/**
 * Asks for the end of an agent's log, on `logs.fetch.<pc_id>`; the reply is raw UTF-8 text. `after` and `wait_ms` are ours: what was
 * logged since the position that an earlier reply has told in its headers.
 */
export const LogsFetchRequest = z.looseObject({ tail_lines: count, after: optional(z.string()), wait_ms: count });
export type LogsFetchRequest = z.infer<typeof LogsFetchRequest>;
/** Headers of the reply, ours: where the log goes on, that lines before it are there no more, and why there is no text. */
export const logHeaders = {
  position: 'Kanade-Log-Position',
  gap: 'Kanade-Log-Gap',
  error: 'Kanade-Log-Error',
} as const;
export const logsFetchDefaults = { tail_lines: 500, wait_ms: 0 } satisfies Partial<LogsFetchRequest>;
