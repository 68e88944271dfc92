/** Jobs as the person at the machine sees them. */
import * as z from 'zod';
import { openEnum, optional } from '../scalar/field.ts';
import { Instant } from '../scalar/time.ts';
import { runStatuses } from './words.ts';

/** Where a run stands, as the person at the machine sees it. */
export const RunStatus = openEnum(runStatuses).meta({ enum: [...runStatuses, 'unknown'] });
export type RunStatus = z.infer<typeof RunStatus>;

export const JobRun = z.looseObject({
  run_id: z.string(),
  status: RunStatus,
  started_at: Instant,
  finished_at: optional(Instant),
  exit_code: optional(z.int()),
  /** Ours: a policy kept it from starting, as `skipped` of a result says; its status is `failed`. */
  skipped: optional(z.boolean()),
});
export type JobRun = z.infer<typeof JobRun>;

/**
 * A job that the person at the machine may start. Absent options are left off the wire; null reads as absent. `category` is free
 * text; label, icon and order of a category may stand at any of its jobs.
 */
export const UserInvokableJob = z.looseObject({
  id: z.string(),
  display_name: z.string(),
  display_description: optional(z.string()),
  icon: optional(z.string()),
  category: z.string(),
  category_label: optional(z.string()),
  category_icon: optional(z.string()),
  category_order: optional(z.int()),
  version: z.string(),
  timeout_secs: optional(z.int().positive()),
  confirm: optional(z.looseObject({ enabled: z.boolean(), message: optional(z.string()) })),
  unlock: optional(z.string()),
  last_run: optional(JobRun),
});
export type UserInvokableJob = z.infer<typeof UserInvokableJob>;

/** The categories there were before they became free text. */
export const EarlyCategory = z.enum(['software_update', 'troubleshoot', 'catalog']);
export type EarlyCategory = z.infer<typeof EarlyCategory>;

/**
 * A job as early peers know it: one of three categories, without label, icon or order. {@link UserInvokableJob} reads it too;
 * a whole list of jobs fails on such a peer when one job has another category.
 */
export const EarlyUserInvokableJob = UserInvokableJob.omit({
  category_label: true,
  category_icon: true,
  category_order: true,
}).extend({ category: EarlyCategory });
export type EarlyUserInvokableJob = z.infer<typeof EarlyUserInvokableJob>;

/**
 * How a run goes: deltas while it runs, one push with the full output (each stream cut to 256 KiB) at its end. Ours: `skipped`, when a policy
 * kept it from starting; `job_id`, `started_at`
 * and `finished_at`, by which a client that reconnects shows its runs; `stdout_from` and `stderr_from`, the byte of the stream at which
 * a chunk begins; `truncated`, when output before a delta, or behind the last push, was left out. `jobs.output` has all of it.
 */
export const JobProgress = z.looseObject({
  run_id: z.string(),
  status: RunStatus,
  stdout_chunk: optional(z.string()),
  stderr_chunk: optional(z.string()),
  exit_code: optional(z.int()),
  skipped: optional(z.boolean()),
  job_id: optional(z.string()),
  started_at: optional(Instant),
  finished_at: optional(Instant),
  stdout_from: optional(z.int().nonnegative()),
  stderr_from: optional(z.int().nonnegative()),
  truncated: optional(z.boolean()),
});
export type JobProgress = z.infer<typeof JobProgress>;

/** A part of what a run has printed, asked for by the byte at which it begins; without one it begins at the start. Ours. */
export const OutputQuery = z.looseObject({
  run_id: z.string(),
  stream: z.enum(['stdout', 'stderr']),
  from: optional(z.int().nonnegative()),
});
export type OutputQuery = z.infer<typeof OutputQuery>;

/**
 * As many whole characters as one message carries, 128 KiB at least where there are as many, from byte `from` up to `to`; the next part begins there. `total_bytes`: what the stream held then;
 * `ended`: nothing more comes.
 */
export const OutputPart = z.looseObject({
  text: z.string(),
  from: z.int().nonnegative(),
  to: z.int().nonnegative(),
  total_bytes: z.int().nonnegative(),
  ended: z.boolean(),
});
export type OutputPart = z.infer<typeof OutputPart>;
