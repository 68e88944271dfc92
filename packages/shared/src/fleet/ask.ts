import * as z from 'zod';
import { optional } from '../scalar/field.ts';

/** Asks for the live output of a run, on `job.tail.<pc_id>`. */
export const JobTailRequest = z.looseObject({ result_id: optional(z.string()) });
export type JobTailRequest = z.infer<typeof JobTailRequest>;
export const jobTailRequestDefaults = { result_id: '' } satisfies Partial<JobTailRequest>;

/** `found: false` means: read the stored row instead. Every field may be absent. */
export const JobTailReply = z.looseObject({
  found: optional(z.boolean()),
  running: optional(z.boolean()),
  stdout: optional(z.string()),
  stderr: optional(z.string()),
  stdout_truncated: optional(z.boolean()),
  stderr_truncated: optional(z.boolean()),
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

/** Asks for the end of the newest log file, on `logs.fetch.<pc_id>`; the reply is raw UTF-8 text. */
export const LogsFetchRequest = z.looseObject({ tail_lines: optional(z.int().nonnegative()) });
export type LogsFetchRequest = z.infer<typeof LogsFetchRequest>;
export const logsFetchDefaults = { tail_lines: 500 } satisfies Partial<LogsFetchRequest>;
