/** Answers of the calls that only look (contract, sections 3.5 to 3.7 and 3.9). */
import * as z from 'zod';
import { CompressionData } from './compression.ts';
import { AnsweredState, amount, Excerpts, envelope, logPaths, reason, turn } from './envelope.ts';
import { OmittedRanges } from './record.ts';

export const StatusResponse = envelope('status', {
  job_id: z.string(),
  state: AnsweredState,
  exit_code: z.int().optional(),
  created_at: z.string(),
  started_at: z.string().optional(),
  finished_at: z.string().optional(),
  ...reason,
  ...turn,
  /** Ours: bytes printed so far, the most that are kept, and what is not. */
  log_bytes: amount.optional(),
  log_bytes_max: amount.optional(),
  log_omitted: OmittedRanges.optional(),
});
export type StatusResponse = z.infer<typeof StatusResponse>;

/** Answer of `tail`: no state in it. */
export const TailResponse = envelope('tail', {
  job_id: z.string(),
  ...Excerpts.shape,
  ...logPaths,
  compression: CompressionData.optional(),
});
export type TailResponse = z.infer<typeof TailResponse>;

export const WaitResponse = envelope('wait', {
  job_id: z.string(),
  state: AnsweredState,
  exit_code: z.int().optional(),
  ...Excerpts.shape,
  updated_at: z.string().optional(),
  ...reason,
  ...turn,
});
export type WaitResponse = z.infer<typeof WaitResponse>;

/** One job in a list. `short_job_id` is for display only. */
export const ListEntry = z.looseObject({
  job_id: z.string(),
  short_job_id: z.string(),
  state: AnsweredState,
  command: z.array(z.string()),
  exit_code: z.int().optional(),
  created_at: z.string(),
  started_at: z.string().optional(),
  finished_at: z.string().optional(),
  updated_at: z.string().optional(),
  tags: z.array(z.string()),
  ...turn,
  /** Ours, in a list as trees: those that wait for it, or waited; each is an entry like this one. */
  dependents: z.array(z.record(z.string(), z.unknown())).optional(),
});
export type ListEntry = z.infer<typeof ListEntry>;

/** Answer of `list` and `ps`. `skipped` counts directories without a readable definition. */
export const ListResponse = envelope('list', {
  root: z.string(),
  jobs: z.array(ListEntry),
  truncated: z.boolean(),
  skipped: amount,
});
export type ListResponse = z.infer<typeof ListResponse>;
