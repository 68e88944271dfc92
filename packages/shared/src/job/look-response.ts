/** Answers of the calls that only look (contract, sections 3.5 to 3.7 and 3.9). */
import * as z from 'zod';
import { CompressionData } from './compression.ts';
import { AnsweredState, amount, Excerpts, envelope, logPaths, range, reason, turn } from './envelope.ts';
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

/** Where the output ends that an answer tells; and what else came since the cursor of an earlier one, for who gave that. Ours. */
const reading = {
  cursor: z.string().optional(),
  events: z.array(z.looseObject({ event: z.enum(['started', 'ended']), at: z.string() })).optional(),
  /** There is more to read right now. */
  more: z.boolean().optional(),
  /** The job has ended, and all was told. */
  ended: z.boolean().optional(),
  /** The output begins anew, or what had been told is gone. */
  noticed: z.enum(['restarted', 'shortened']).optional(),
  /** Bytes before the output that are not kept. */
  stdout_omitted: range.optional(),
  stderr_omitted: range.optional(),
};

/** Answer of `tail`: no state in it. */
export const TailResponse = envelope('tail', {
  job_id: z.string(),
  ...Excerpts.shape,
  ...reading,
  ...logPaths,
  compression: CompressionData.optional(),
});
export type TailResponse = z.infer<typeof TailResponse>;

export const WaitResponse = envelope('wait', {
  job_id: z.string(),
  state: AnsweredState,
  exit_code: z.int().optional(),
  ...Excerpts.shape,
  ...reading,
  /** Ours, of a wait for a line: the one that matched, `offset` in bytes; null when there was none. */
  matched: z
    .looseObject({ stream: z.enum(['stdout', 'stderr']), line: z.string(), offset: amount })
    .nullable()
    .optional(),
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
