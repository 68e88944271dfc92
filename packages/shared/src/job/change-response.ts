/** Answers of the calls that change or remove a job (contract, sections 3.8 and 3.10 to 3.13). */
import * as z from 'zod';
import { AnsweredState, amount, envelope, reason } from './envelope.ts';
import { JobNotification } from './notification.ts';

/**
 * Answer of `kill`. With `--no-wait` only `job_id` and `signal`. `terminated_signal` is the name of the signal that ended
 * the job (its number in older versions). `mechanism` and `survivors` are ours: how the tree was stopped, and what of it
 * still runs.
 */
export const KillResponse = envelope('kill', {
  job_id: z.string(),
  signal: z.string(),
  state: AnsweredState.optional(),
  exit_code: z.int().optional(),
  terminated_signal: z.string().optional(),
  terminated_signal_number: z.int().optional(),
  observed_within_ms: amount.optional(),
  mechanism: z.string().optional(),
  survivors: z.array(z.int()).optional(),
  ...reason,
});
export type KillResponse = z.infer<typeof KillResponse>;

export const TagSetResponse = envelope('tag_set', { job_id: z.string(), tags: z.array(z.string()) });
export type TagSetResponse = z.infer<typeof TagSetResponse>;

export const NotifySetResponse = envelope('notify.set', { job_id: z.string(), notification: JobNotification });
export type NotifySetResponse = z.infer<typeof NotifySetResponse>;

/** What `delete` did, or would do, with one job. `reason` is an open vocabulary (contract, section 7.2). */
export const DeleteEntry = z.looseObject({
  job_id: z.string(),
  state: AnsweredState,
  action: z.enum(['deleted', 'would_delete', 'skipped']),
  reason: z.string(),
});
export type DeleteEntry = z.infer<typeof DeleteEntry>;

/** Answer of `delete`. `cwd_scope` only with `--all`. */
export const DeleteResponse = envelope('delete', {
  root: z.string(),
  dry_run: z.boolean(),
  cwd_scope: z.string().optional(),
  deleted: amount,
  skipped: amount,
  out_of_scope: amount,
  failed: amount,
  jobs: z.array(DeleteEntry),
});
export type DeleteResponse = z.infer<typeof DeleteResponse>;

/** Answer of `gc`: sums only, never a list of jobs. `skipped` is `out_of_scope` plus `failed`. */
export const GcResponse = envelope('gc', {
  root: z.string(),
  dry_run: z.boolean(),
  older_than: z.string(),
  older_than_source: z.enum(['default', 'flag']),
  deleted: amount,
  skipped: amount,
  out_of_scope: amount,
  failed: amount,
  freed_bytes: amount,
  scanned_dirs: amount,
  candidate_count: amount,
});
export type GcResponse = z.infer<typeof GcResponse>;
